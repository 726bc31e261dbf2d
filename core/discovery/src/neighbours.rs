use std::net::Ipv4Addr;

/// The most neighbours that are looked at: those of the largest hotspot and more.
const MAX_NEIGHBOURS: usize = 256;
/// The state of an entry whose hardware address is known (`ATF_COM` of Linux).
const COMPLETE: u32 = 2;

/// Who this machine has spoken with on its networks, as Linux tells in `/proc/net/arp`; nobody elsewhere. Whoever owns a hotspot has
/// all its guests here, and is often found by none of them.
#[must_use]
pub fn neighbours() -> Vec<Ipv4Addr> {
    std::fs::read_to_string("/proc/net/arp").map(|table| parse_neighbours(&table)).unwrap_or_default()
}

/// Reads the table of `/proc/net/arp`: the addresses that have answered.
#[must_use]
pub fn parse_neighbours(table: &str) -> Vec<Ipv4Addr> {
    let answered = |line: &str| {
        let mut columns = line.split_whitespace();
        let address = columns.next()?.parse().ok()?;
        let flags = columns.nth(1)?.strip_prefix("0x")?;
        (u32::from_str_radix(flags, 16).ok()? & COMPLETE != 0).then_some(address)
    };
    table.lines().skip(1).filter_map(answered).take(MAX_NEIGHBOURS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_answered_is_a_neighbour() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     192.168.43.17    0x1         0x2         02:fc:00:00:00:05     *        wlan0\n\
                     192.168.43.18    0x1         0x0         00:00:00:00:00:00     *        wlan0\n\
                     192.168.43.19    0x1         0x6         02:fc:00:00:00:07     *        wlan0\n\
                     nonsense\n\
                     1.2.3.4 0x1 zz\n";
        let found = parse_neighbours(table);
        assert_eq!(found, [Ipv4Addr::new(192, 168, 43, 17), Ipv4Addr::new(192, 168, 43, 19)]);
    }

    #[test]
    fn a_long_table_is_cut() {
        let line = |n: u32| format!("10.0.{}.{} 0x1 0x2 02:fc:00:00:00:05 * wlan0", n / 250, n % 250);
        let table: Vec<_> = std::iter::once("heading".to_owned()).chain((0..5000).map(line)).collect();
        assert_eq!(parse_neighbours(&table.join("\n")).len(), MAX_NEIGHBOURS);
    }
}
