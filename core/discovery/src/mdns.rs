use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::{Arc, Mutex};
use std::thread;

use mdns_sd::{Receiver, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};

use crate::DiscoveryError;

/// What devices announce themselves as. It is the same for all teams and says which program runs: Apple's system lets an app look
/// only for names that are written into it, so it cannot be drawn from a team's secret.
pub const SERVICE: &str = "_firsthand._tcp.local.";
/// The most addresses of one device that are passed on.
const MAX_ADDRESSES: usize = 8;
/// After so many names the library below begins anew and forgets what it kept of them: it keeps every name until its time is up, and
/// one device can announce as many as it likes.
const MAX_NAMES: usize = 1024;

/// What was heard on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A device is here.
    Here {
        /// Its name, as it was announced: any text.
        name: String,
        /// Where it can be reached, as it says.
        addresses: Vec<SocketAddr>,
    },
    /// A device has said that it goes.
    Gone {
        /// Its name.
        name: String,
    },
}

/// Announces this device and listens for others, until it is dropped.
pub struct Announcer {
    daemon: Arc<Mutex<Option<ServiceDaemon>>>,
    fullname: String,
}

impl Announcer {
    /// Begins. `name` must be new at each start and of letters and digits alone; others connect to `port`. What is heard of others
    /// is handed to `hear` on a thread of its own; it ends where that answers `false`.
    ///
    /// # Errors
    /// [`DiscoveryError`] where the system does not let this program use the network in this way.
    pub fn start(
        name: &str,
        port: u16,
        mut hear: impl FnMut(Seen) -> bool + Send + 'static,
    ) -> Result<Self, DiscoveryError> {
        // The host is called by the random name too: that of the machine often names a person.
        let service =
            ServiceInfo::new(SERVICE, name, &format!("{name}.local."), (), port, &[][..] as &[(&str, &str)])?
                .enable_addr_auto();
        let fullname = service.get_fullname().to_owned();
        let (first, heard) = begin(&service)?;
        let daemon = Arc::new(Mutex::new(Some(first)));
        let own = name.to_owned();
        let current = Arc::clone(&daemon);
        thread::Builder::new().name("firsthand-mdns".to_owned()).spawn(move || {
            let mut heard = heard;
            while listen(&heard, &own, &mut hear) == Next::Anew {
                let mut current = lock(&current);
                let Some(old) = current.take() else { return };
                drop(old.shutdown());
                match begin(&service) {
                    Ok((daemon, receiver)) => {
                        *current = Some(daemon);
                        heard = receiver;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no more devices are found by announcements");
                        return;
                    }
                }
            }
        })?;
        Ok(Self { daemon, fullname })
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        if let Some(daemon) = lock(&self.daemon).take() {
            // Others forget it at once. Where the queue is full they do after two minutes.
            drop(daemon.unregister(&self.fullname));
            drop(daemon.shutdown());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn begin(service: &ServiceInfo) -> Result<(ServiceDaemon, Receiver<ServiceEvent>), mdns_sd::Error> {
    let daemon = ServiceDaemon::new()?;
    let heard = daemon.browse(SERVICE)?;
    daemon.register(service.clone())?;
    Ok((daemon, heard))
}

/// Why it no longer listens.
#[derive(PartialEq, Eq)]
enum Next {
    /// The library is to begin anew.
    Anew,
    /// Nobody hears it any more.
    End,
}

fn listen(heard: &Receiver<ServiceEvent>, own: &str, hear: &mut impl FnMut(Seen) -> bool) -> Next {
    let mut names = BTreeSet::new();
    // The library ends its side where this program was too slow: then it begins anew too.
    while let Ok(event) = heard.recv() {
        let seen = match event {
            ServiceEvent::ServiceFound(_, fullname) => {
                names.insert(fullname);
                if names.len() > MAX_NAMES {
                    return Next::Anew;
                }
                continue;
            }
            ServiceEvent::ServiceResolved(service) => here(&service),
            ServiceEvent::ServiceRemoved(_, fullname) => instance(&fullname).map(|name| Seen::Gone { name }),
            _ => None,
        };
        let others =
            seen.filter(|it| !matches!(it, Seen::Here { name, .. } | Seen::Gone { name } if name == own));
        if let Some(seen) = others
            && !hear(seen)
        {
            return Next::End;
        }
    }
    Next::Anew
}

fn here(service: &ResolvedService) -> Option<Seen> {
    let name = instance(&service.fullname)?;
    let mut addresses: Vec<SocketAddr> =
        service.addresses.iter().flat_map(|ip| sockets(ip, service.port)).collect();
    addresses.sort_by_key(|address| (address.is_ipv6(), *address));
    addresses.dedup();
    addresses.truncate(MAX_ADDRESSES);
    Some(Seen::Here { name, addresses })
}

/// The addresses to connect to. A link-local one of IPv6 goes with the interface that it was heard on.
fn sockets(ip: &ScopedIp, port: u16) -> Option<SocketAddr> {
    Some(match ip {
        ScopedIp::V6(v6) if v6.addr().is_unicast_link_local() => {
            SocketAddr::V6(SocketAddrV6::new(*v6.addr(), port, 0, v6.scope_id().index))
        }
        ip => match ip.to_ip_addr() {
            IpAddr::V6(v6) if v6.is_unicast_link_local() => return None,
            ip => SocketAddr::new(ip, port),
        },
    })
}

/// The name of a device in the full name of its service.
fn instance(fullname: &str) -> Option<String> {
    Some(fullname.strip_suffix(SERVICE)?.strip_suffix('.')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_stands_before_the_service() {
        assert_eq!(instance("0123456789abcdef._firsthand._tcp.local."), Some("0123456789abcdef".to_owned()));
        assert_eq!(instance("_firsthand._tcp.local."), None);
        assert_eq!(instance("printer._ipp._tcp.local."), None);
    }
}
