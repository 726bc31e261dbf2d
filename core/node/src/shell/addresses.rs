use std::net::{IpAddr, SocketAddr};

/// More addresses than this make a QR code that small screens cannot show.
const MAX_REACHABLE: usize = 4;

/// Addresses under which others reach a device that waits at one: that itself or, where it waits at every one, those of its
/// networks now, at most four. First those that people type and that a hotspot gives: IPv4 of private networks (RFC 1918). A device
/// without a network is reached by itself only.
#[must_use]
pub fn reachable(bound: SocketAddr) -> Vec<SocketAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    to_give_out(bound, interfaces.into_iter().map(|interface| interface.ip()))
}

fn to_give_out(bound: SocketAddr, own: impl Iterator<Item = IpAddr>) -> Vec<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return vec![bound];
    }
    let mut found: Vec<IpAddr> = own
        .filter(|ip| !ip.is_loopback() && !is_link_local(ip) && (ip.is_ipv4() || bound.is_ipv6()))
        .collect();
    found.sort_by_key(|ip| (!matches!(ip, IpAddr::V4(ip) if ip.is_private()), *ip));
    found.dedup();
    found.truncate(MAX_REACHABLE);
    if found.is_empty() {
        found.push(IpAddr::from([127, 0, 0, 1]));
    }
    found.into_iter().map(|ip| SocketAddr::new(ip, bound.port())).collect()
}

/// An address that means something only together with an interface of this device.
fn is_link_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(bound: &str, own: &[&str]) -> Vec<String> {
        let own = own.iter().map(|ip| ip.parse().unwrap());
        to_give_out(bound.parse().unwrap(), own).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_that_others_reach_are_given_out() {
        let own = [
            "127.0.0.1",
            "2001:db8::7",
            "100.64.3.9",
            "192.168.43.1",
            "169.254.8.8",
            "fe80::1",
            "192.168.43.1",
            "10.0.0.2",
        ];
        assert_eq!(
            given("0.0.0.0:4700", &own),
            ["10.0.0.2:4700", "192.168.43.1:4700", "100.64.3.9:4700"],
            "private networks first; nothing twice, of this device alone, or of an interface"
        );
        assert_eq!(
            given("[::]:4700", &own),
            ["10.0.0.2:4700", "192.168.43.1:4700", "100.64.3.9:4700", "[2001:db8::7]:4700"]
        );
        assert_eq!(given("192.168.43.1:4700", &own), ["192.168.43.1:4700"], "what was asked for");
        assert_eq!(given("0.0.0.0:4700", &["127.0.0.1"]), ["127.0.0.1:4700"]);
        let many: Vec<String> = (1..10).map(|at| format!("10.0.0.{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(given("0.0.0.0:1", &many).len(), MAX_REACHABLE);
    }

    #[test]
    fn this_device_has_an_address() {
        let given = reachable("0.0.0.0:4700".parse().unwrap());
        assert!(!given.is_empty());
        assert!(given.iter().all(|at| at.port() == 4700 && !at.ip().is_unspecified()));
    }
}
