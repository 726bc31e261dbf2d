use std::path::Path;

use firsthand_ids::{DocumentId, TeamId};
use firsthand_photo::NotCleaned;
use firsthand_record::CustodyKind;
use firsthand_record::share::Withheld;
use firsthand_store::{Home, Unlock};

use super::copies::whole;
use super::node::{Node, Passphrase, Progress};
use crate::{Environment, Ledger, NodeError, Offer, Opening, SharedView, SystemRandom};

impl Node {
    /// Founds a network of teams in a new home.
    ///
    /// # Errors
    /// As [`Node::create_team`].
    pub async fn create_network(
        dir: &Path,
        passphrase: Passphrase,
        network: &str,
        name: &str,
        environment: Environment,
    ) -> Result<Self, NodeError> {
        let (dir, network, name) = (dir.to_owned(), network.to_owned(), name.to_owned());
        Self::start(environment, move |workshop| {
            let opening = Opening {
                home: Home::create(dir)?,
                unlock: Unlock::Passphrase(passphrase.as_str()),
                vault: workshop.environment.vault.as_ref(),
                slot: workshop.environment.slot,
            };
            Ledger::create_network(opening, &network, &name, &mut workshop.random)
        })
        .await
    }

    /// What this team would give to a network of an incident; nothing is written.
    ///
    /// # Errors
    /// As [`Ledger::offer`].
    pub async fn offer(
        &self,
        incident: DocumentId,
        network: TeamId,
        texts: bool,
    ) -> Result<Offer, NodeError> {
        self.run(move |ledger, _| ledger.offer(incident, &network, texts)).await
    }

    /// The copy of an offer that this network has, with its short code.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn shared_copy(&self, offer: &Offer) -> Result<Option<(DocumentId, String)>, NodeError> {
        let offer = offer.clone();
        self.run(move |ledger, _| ledger.shared_copy(&offer)).await
    }

    /// The incidents of this team that are marked for other teams.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub async fn marked_for_network(&self) -> Result<Vec<DocumentId>, NodeError> {
        self.run(|ledger, _| ledger.marked_for_network()).await
    }

    /// Takes an offer of a team into this network. Files are sealed here without what they say of themselves; one of which that cannot be
    /// taken out is moved to those that are withheld.
    ///
    /// # Errors
    /// As [`Ledger::take_offer`]; [`NodeError::Stopped`].
    pub async fn take_offer(&self, offer: &mut Offer, progress: Progress) -> Result<SharedView, NodeError> {
        let sealer = self.run(|ledger, _| Ok(ledger.sealer())).await?;
        let files = offer.files.clone();
        let sealing = tokio::task::spawn_blocking(move || {
            let (mut sealed, mut refused) = (Vec::new(), Vec::new());
            for file in files {
                let bytes = match whole(&file.stored, &progress) {
                    Err(NodeError::NotCleaned(NotCleaned::TooLarge)) => {
                        refused.push(file.shared_name);
                        continue;
                    }
                    bytes => bytes?,
                };
                let mut random = SystemRandom::default();
                match sealer.seal_clean(&mut &bytes[..], &mut random, &mut |_| true) {
                    Ok(copy) => sealed.push((file, copy)),
                    Err(NodeError::NotCleaned(_)) => refused.push(file.shared_name),
                    Err(error) => return Err(error),
                }
            }
            Ok::<_, NodeError>((sealed, refused))
        });
        let (sealed, refused) = sealing.await.map_err(|_| NodeError::Closed)??;
        for name in refused {
            if let Some(at) = offer.files.iter().position(|file| file.shared_name == name) {
                let file = offer.files.remove(at);
                offer.withheld_files.push((file.name, Withheld::NotCleaned));
            }
        }
        let offer = offer.clone();
        self.write(move |ledger, shop| {
            let now = shop.environment.clock.now();
            ledger.take_offer(&offer, sealed, now, &mut shop.random)
        })
        .await
    }

    /// Notes in this team's records of files that a network got copies of them.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk.
    pub async fn note_shared(&self, shared: &SharedView) -> Result<(), NodeError> {
        let files = shared.origins.clone();
        self.write(move |ledger, shop| {
            for file in files {
                let now = shop.environment.clock.now();
                ledger.note_custody(file, CustodyKind::Exported, now, &mut shop.random)?;
            }
            Ok(())
        })
        .await
    }
}
