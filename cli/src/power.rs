//! How a laptop is doing, as far as that decides which files travel: its battery, as Linux tells it in files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use firsthand_node::{Conditions, Node};
use tokio::time::{MissedTickBehavior, interval};

use crate::fail::Fail;

/// Where Linux tells of batteries and chargers (Documentation/ABI/testing/sysfs-class-power).
const SUPPLIES: &str = "/sys/class/power_supply";
/// How often somebody looks. A battery loses a percent in some minutes.
const EVERY: Duration = Duration::from_secs(60);

/// Tells the node how the device is doing, before it asks anybody for files. `metered`: the person says that the way to the internet
/// costs by the byte.
pub(crate) async fn tell(node: &Node, metered: bool) -> Result<(), Fail> {
    let (battery_percent, charging) = read(Path::new(SUPPLIES));
    Ok(node.set_conditions(Conditions { metered, battery_percent, charging }).await?)
}

/// Tells it again and again; ends only with an error.
pub(crate) async fn follow(node: &Node, metered: bool) -> Result<(), Fail> {
    let mut again = interval(EVERY);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        again.tick().await;
        tell(node, metered).await?;
    }
}

/// What is left of the device's batteries in percent, where it has any, and whether something charges them.
fn read(supplies: &Path) -> (Option<u8>, bool) {
    let Ok(entries) = fs::read_dir(supplies) else { return (None, false) };
    let (mut percents, mut charging) = (Vec::new(), false);
    for supply in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let says = |name: &str| {
            let text = fs::read_to_string(supply.join(name)).unwrap_or_default();
            text.trim().to_owned()
        };
        // The battery of a mouse is none of ours.
        if says("scope") == "Device" {
            continue;
        }
        if says("type") == "Battery" {
            percents
                .extend(says("capacity").parse::<u8>().ok().filter(|percent| *percent <= 100).map(u32::from));
            charging |= matches!(says("status").as_str(), "Charging" | "Full");
        } else {
            charging |= says("online") == "1";
        }
    }
    let sum: u32 = percents.iter().sum();
    let mean = sum.checked_div(percents.len() as u32).and_then(|mean| u8::try_from(mean).ok());
    (mean, charging)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn supply(dir: &Path, name: &str, says: &[(&str, &str)]) {
        fs::create_dir(dir.join(name)).unwrap();
        for (file, text) in says {
            fs::write(dir.join(name).join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn batteries_and_chargers_are_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(&dir.path().join("none")), (None, false));
        assert_eq!(read(dir.path()), (None, false));
        supply(dir.path(), "hidpp_battery_0", &[("type", "Battery"), ("scope", "Device"), ("capacity", "3")]);
        supply(dir.path(), "BAT0", &[("type", "Battery"), ("capacity", "12"), ("status", "Discharging")]);
        assert_eq!(read(dir.path()), (Some(12), false));
        supply(dir.path(), "BAT1", &[("type", "Battery"), ("capacity", "54"), ("status", "Not charging")]);
        supply(dir.path(), "BAT2", &[("type", "Battery"), ("capacity", "lost")]);
        assert_eq!(read(dir.path()), (Some(33), false));
        supply(dir.path(), "AC", &[("type", "Mains"), ("online", "1")]);
        assert_eq!(read(dir.path()), (Some(33), true));
    }
}
