use std::net::{IpAddr, SocketAddr};

/// The networks that this machine is in at a moment: address and length of the prefix.
///
/// Somebody can announce any address. Only those in these networks are worth a connection: otherwise one packet on a hotspot would
/// send every device of a team knocking at a server that somebody else chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<(IpAddr, u8)>);

impl Networks {
    /// Those of the interfaces that are up now; of loopback only addresses of this machine itself.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        Self::new(interfaces.into_iter().map(|interface| match interface.addr {
            if_addrs::IfAddr::V4(it) => (IpAddr::V4(it.ip), it.prefixlen),
            if_addrs::IfAddr::V6(it) => (IpAddr::V6(it.ip), it.prefixlen),
        }))
    }

    /// Networks that are known otherwise.
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Whether an address is in one of them, and one that a connection can be made to.
    #[must_use]
    pub fn reach(&self, address: &SocketAddr) -> bool {
        let ip = address.ip();
        let nobody = ip.is_unspecified() || ip.is_multicast() || address.port() == 0;
        // A link-local address of IPv6 means something only together with the interface it was heard on.
        let nowhere =
            matches!(address, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0);
        !nobody && !nowhere && self.0.iter().any(|(own, prefix)| same_network(own, &ip, *prefix))
    }
}

fn same_network(one: &IpAddr, other: &IpAddr, prefix: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let shift = 32_u32.saturating_sub(u32::from(prefix));
            (one.to_bits() ^ other.to_bits()).checked_shr(shift).unwrap_or(0) == 0
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let shift = 128_u32.saturating_sub(u32::from(prefix));
            (one.to_bits() ^ other.to_bits()).checked_shr(shift).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_own_networks_are_reached() {
        let networks = Networks::new([
            ("192.168.43.1".parse().unwrap(), 24),
            ("fe80::1".parse().unwrap(), 64),
            ("127.0.0.1".parse().unwrap(), 8),
        ]);
        for (address, reached) in [
            ("192.168.43.77:4700", true),
            ("192.168.44.77:4700", false),
            ("8.8.8.8:53", false),
            ("192.168.43.77:0", false),
            ("0.0.0.0:4700", false),
            ("127.0.0.1:4700", true),
            ("[fe80::2%3]:4700", true),
            ("[fe80::2]:4700", false),
            ("[2001:db8::1]:4700", false),
        ] {
            assert_eq!(networks.reach(&address.parse().unwrap()), reached, "{address}");
        }
        let everywhere = Networks::new([("10.0.0.1".parse().unwrap(), 0)]);
        assert!(everywhere.reach(&"8.8.8.8:53".parse().unwrap()));
    }
}
