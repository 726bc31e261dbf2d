use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use super::files::Exported;
use super::node::{Node, Progress};
use crate::{BundleMade, BundleRequest, BundleTaken, NodeError};

impl Node {
    /// Writes a bundle to `to`, which must not exist; it appears there only once it is whole and on the disk.
    ///
    /// # Errors
    /// [`NodeError::Bundle`], [`NodeError::File`], [`NodeError::Store`], [`NodeError::Stopped`]; nothing is left then.
    pub async fn export_bundle(
        &self,
        to: &Path,
        request: BundleRequest,
        progress: Progress,
    ) -> Result<BundleMade, NodeError> {
        let to = to.to_owned();
        self.write(move |ledger, shop| {
            let exported = Exported::begin(to)?;
            let mut out = BufWriter::new(&exported.file);
            let made = ledger.export_bundle(&mut out, request, &mut shop.random, &mut |done, total| {
                progress(done, total)
            })?;
            out.flush()?;
            drop(out);
            exported.file.sync_all()?;
            exported.keep()?;
            Ok(made)
        })
        .await
    }

    /// Takes in a bundle.
    ///
    /// # Errors
    /// As [`crate::Ledger::import_bundle`].
    pub async fn import_bundle(&self, from: &Path, progress: Progress) -> Result<BundleTaken, NodeError> {
        let from = from.to_owned();
        // What it brought goes on to open meetings like anything else that is new here.
        self.write(move |ledger, shop| {
            let mut file = BufReader::new(File::open(&from)?);
            let now = shop.environment.clock.now();
            ledger.import_bundle(&mut file, now, &mut |done, total| progress(done, total))
        })
        .await
    }
}
