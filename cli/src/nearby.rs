//! Looking for others on the networks of this laptop.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use firsthand_discovery::{Announcer, Networks, Seen, neighbours};
use firsthand_node::nearby::{RunName, Sighting};
use firsthand_node::{Nearby, Node};
use tokio::task::JoinHandle;

use crate::fail::Fail;
use crate::meeting::listen_address;
use crate::show::Out;

/// Where devices wait for each other unless told otherwise. A hotspot's owner sees its guests' addresses and not their ports.
const PORT: u16 = 4700;
/// How often the machine's neighbours are looked at.
const NEIGHBOURS: Duration = Duration::from_secs(5);

/// A device that is announced and looks for others, until this is dropped.
pub(crate) struct Around {
    /// Who was found.
    pub(crate) nearby: Nearby,
    /// Where this device waits.
    pub(crate) bound: SocketAddr,
    _announcer: Option<Announcer>,
    neighbours: JoinHandle<()>,
}

impl Around {
    /// Waits for others, at the usual port unless told otherwise, and looks for them.
    pub(crate) async fn start(
        out: Out,
        node: &Node,
        listen: Option<&str>,
        with: Option<&str>,
    ) -> Result<Self, Fail> {
        let bound = match listen {
            Some(address) => node.listen(listen_address(address).await?, false).await?,
            None => anywhere(node).await?,
        };
        let mut networks = Networks::of_this_machine();
        let reach = networks.clone();
        let nearby = node.look_around(move |address| reach.reach(address)).await?;
        if let Some(address) = with {
            nearby.saw(Sighting::Perhaps { address: listen_address(address).await? });
        }
        let tell = nearby.clone();
        let announcer = Announcer::start(&nearby.name().to_string(), bound.port(), move |seen| {
            // What is no name of ours was announced by something else.
            sighting(seen, &mut networks).is_none_or(|sighting| tell.saw(sighting))
        });
        let announcer = announcer.inspect_err(|error| {
            out.note(&format!("failed to {error}. Devices that are known by their address are still tried."));
        });
        let tell = nearby.clone();
        let neighbours = tokio::spawn(async move {
            loop {
                for ip in neighbours() {
                    tell.saw(Sighting::Perhaps { address: SocketAddr::new(IpAddr::V4(ip), PORT) });
                }
                tokio::time::sleep(NEIGHBOURS).await;
            }
        });
        Ok(Self { nearby, bound, _announcer: announcer.ok(), neighbours })
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        self.neighbours.abort();
    }
}

/// Waits at every address of this machine: both kinds where it has both, and any port where the usual one is taken.
async fn anywhere(node: &Node) -> Result<SocketAddr, Fail> {
    let (six, four) = (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::from([0, 0, 0, 0]));
    for (ip, port) in [(six, PORT), (four, PORT), (six, 0)] {
        if let Ok(bound) = node.listen(SocketAddr::new(ip, port), false).await {
            return Ok(bound);
        }
    }
    Ok(node.listen(SocketAddr::new(four, 0), false).await?)
}

/// What was seen, as far as it can be a device of ours on a network of this machine.
fn sighting(seen: Seen, networks: &mut Networks) -> Option<Sighting> {
    match seen {
        Seen::Gone { name } => Some(Sighting::Gone { name: RunName::parse(&name)? }),
        Seen::Here { name, mut addresses } => {
            let name = RunName::parse(&name)?;
            if !addresses.iter().any(|address| networks.reach(address)) {
                // This machine may have joined another network meanwhile.
                *networks = Networks::of_this_machine();
            }
            addresses.retain(|address| networks.reach(address));
            (!addresses.is_empty()).then_some(Sighting::Here { name, addresses })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_devices_of_ours_on_networks_of_this_machine_are_seen() {
        let mut networks = Networks::new([("192.0.2.7".parse().unwrap(), 24)]);
        let name = "00112233445566ff".to_owned();
        let addresses = vec!["192.0.2.9:4700".parse().unwrap(), "203.0.113.5:80".parse().unwrap()];
        let seen = sighting(Seen::Here { name: name.clone(), addresses: addresses.clone() }, &mut networks);
        let Some(Sighting::Here { addresses: kept, .. }) = seen else { panic!("it is here") };
        assert_eq!(kept, addresses[..1]);
        assert_eq!(sighting(Seen::Here { name: "Anna's laptop".into(), addresses }, &mut networks), None);
        assert!(sighting(Seen::Gone { name }, &mut networks).is_some());
    }
}
