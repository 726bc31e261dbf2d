use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::RelayError;

/// Reads a certificate chain and its key, both PEM. Clients have pinned the relay's own key, so a certificate keeps what is
/// sealed anyway from looking unusual on the way; it proves nothing to them.
pub(crate) fn acceptor(chain: &Path, key: &Path) -> Result<TlsAcceptor, RelayError> {
    let refused = |error: &dyn std::fmt::Display| RelayError::Certificate(error.to_string());
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(chain).and_then(Iterator::collect).map_err(|error| refused(&error))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| refused(&error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| refused(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
