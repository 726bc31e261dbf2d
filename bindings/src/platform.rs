//! What the core asks of the phone: ports, which a shell implements. A port that throws costs what it was asked for, never more.

use std::sync::Arc;

use async_trait::async_trait;
use firsthand_node::ids::{LocalTime, Metres, UnixMillis};
use firsthand_node::{
    Clock, Environment, LaptopVault, SlotOptions, SystemClock, SystemDisk, SystemUptime, Ticks, VaultError,
};
use firsthand_record::uniffi_types::LocalMoment;
use firsthand_record::{Moment, Place, PlaceSource};
use zeroize::Zeroizing;

use crate::Happened;

/// What a port throws.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum PortError {
    /// Not now, perhaps later: the phone is locked, or the person has not allowed it.
    #[error("not available now")]
    Unavailable,
    /// What was asked for is gone for good.
    #[error("gone")]
    Gone,
    /// Anything else. What is thrown beside this type arrives as this.
    #[error("the platform failed")]
    Failed,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for PortError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        // Its text is the shell's and may name people, so it goes nowhere.
        Self::Failed
    }
}

/// The phone's key store.
#[uniffi::export(foreign)]
pub trait KeyVault: Send + Sync {
    /// The secret that is mixed into the key of the home: 32 random bytes that the key store made when it was first asked, and
    /// unwraps each time. `null` where the phone has no key store.
    ///
    /// # Errors
    /// `Unavailable` while the phone is locked, `Gone` where the secret is lost.
    fn secret(&self) -> Result<Option<Vec<u8>>, PortError>;

    /// 16 random bytes that were made when the app was installed and that no backup of the phone carries.
    ///
    /// # Errors
    /// As [`KeyVault::secret`].
    fn installation(&self) -> Result<Vec<u8>, PortError>;
}

/// The time since the phone was started.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Uptime {
    /// Names the start that `ms` counts from; another one after each start.
    pub boot: String,
    /// Milliseconds since then, sleep included, which nobody can set.
    pub ms: u64,
}

/// The phone's clocks. Without this port, or where it throws, those of the operating system are read.
#[uniffi::export(foreign)]
pub trait PlatformClock: Send + Sync {
    /// The time of day with the offset of local time, as the phone shows it.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn now(&self) -> Result<LocalMoment, PortError>;

    /// The time since the phone was started; `null` where it cannot be read.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn uptime(&self) -> Result<Option<Uptime>, PortError>;
}

/// Where a phone is. A [`Place`] of a record cannot be what an asynchronous port gives: UniFFI 0.32 writes Kotlin for it that does not
/// compile where the type is of another crate.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Position {
    /// Degrees north, WGS 84.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Metres above the ellipsoid.
    #[uniffi(default)]
    pub alt: Option<f64>,
    /// Radius in metres within which the phone is.
    #[uniffi(default)]
    pub accuracy_m: Option<f64>,
    /// Where the position comes from.
    pub source: PlaceSource,
    /// Whether the phone says that an app made it up.
    #[uniffi(default = false)]
    pub mocked: bool,
    /// When it was fixed, in milliseconds since 1970-01-01T00:00:00Z.
    #[uniffi(default)]
    pub fix_ms: Option<i64>,
}

impl From<Position> for Place {
    fn from(it: Position) -> Self {
        Self {
            alt: it.alt.map(Metres),
            accuracy_m: it.accuracy_m.map(Metres),
            mocked: it.mocked,
            fix_time: it.fix_ms.and_then(|at| Moment::new(UnixMillis(at), 0)),
            ..Self::new(it.lat, it.lon, it.source)
        }
    }
}

/// Where the phone is.
#[uniffi::export(foreign)]
#[async_trait]
pub trait Location: Send + Sync {
    /// The next position. It may take as long as it takes: the core stops waiting by itself, and cancels this.
    ///
    /// # Errors
    /// `Unavailable` where the person has not allowed it.
    async fn position(&self) -> Result<Position, PortError>;
}

/// Hears that something changed.
#[uniffi::export(foreign)]
pub trait Observer: Send + Sync {
    /// Something happened since the last call. However much it was, the next call comes only after this one has returned.
    ///
    /// # Errors
    /// Whatever it throws is lost; the next call comes all the same.
    fn happened(&self, happened: Happened) -> Result<(), PortError>;
}

/// What a notification may say on a locked screen: that there is something, never about whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Notice {
    /// Somebody may need help.
    Alarm,
    /// Somebody was not heard of in time.
    Overdue,
}

/// Shows notifications.
#[uniffi::export(foreign)]
pub trait Notifier: Send + Sync {
    /// Shows one.
    ///
    /// # Errors
    /// Whatever it throws is lost.
    fn show(&self, notice: Notice) -> Result<(), PortError>;
}

/// Announces this phone to others on the same network, and looks for them. What it finds it tells [`crate::Nearby`].
#[uniffi::export(foreign)]
pub trait Discovery: Send + Sync {
    /// Announces this phone under a name that changes at each start, at a port; and begins to look.
    ///
    /// # Errors
    /// Where the phone cannot; others can still be met at an address.
    fn start(&self, name: String, port: u16) -> Result<(), PortError>;

    /// Stops both.
    ///
    /// # Errors
    /// Whatever it throws is lost.
    fn stop(&self) -> Result<(), PortError>;
}

/// A stream of bytes to another phone that the shell has opened: Bluetooth, Nearby Connections, Multipeer.
#[uniffi::export(foreign)]
pub trait PeerStream: Send + Sync {
    /// Sends bytes, in order, and returns when there is room for more. At most 16 KiB at a time.
    ///
    /// # Errors
    /// Where the stream broke off; the meeting ends then.
    fn send(&self, bytes: Vec<u8>) -> Result<(), PortError>;

    /// Nothing more is sent.
    ///
    /// # Errors
    /// Whatever it throws is lost.
    fn finish(&self) -> Result<(), PortError>;
}

/// The ports of a phone. Each may be left out.
#[derive(Clone, Default, uniffi::Record)]
pub struct Platform {
    /// The key store; without it the passphrase alone opens the home.
    #[uniffi(default)]
    pub vault: Option<Arc<dyn KeyVault>>,
    /// The clocks.
    #[uniffi(default)]
    pub clock: Option<Arc<dyn PlatformClock>>,
    /// Where the phone is.
    #[uniffi(default)]
    pub location: Option<Arc<dyn Location>>,
    /// Hears what changed.
    #[uniffi(default)]
    pub observer: Option<Arc<dyn Observer>>,
    /// Shows notifications.
    #[uniffi(default)]
    pub notifier: Option<Arc<dyn Notifier>>,
    /// Finds others.
    #[uniffi(default)]
    pub discovery: Option<Arc<dyn Discovery>>,
}

impl Platform {
    pub(crate) fn environment(&self) -> Environment {
        let clock = Arc::new(Clocks {
            port: self.clock.clone(),
            clock: SystemClock,
            uptime: SystemUptime::default(),
        });
        Environment {
            clock: clock.clone(),
            uptime: clock,
            vault: match &self.vault {
                Some(vault) => Arc::new(Vault(vault.clone())),
                None => Arc::new(LaptopVault),
            },
            disk: Arc::new(SystemDisk),
            slot: SlotOptions::default(),
        }
    }
}

struct Clocks {
    port: Option<Arc<dyn PlatformClock>>,
    clock: SystemClock,
    uptime: SystemUptime,
}

impl Clock for Clocks {
    fn now(&self) -> LocalTime {
        match self.port.as_ref().map(|port| port.now()) {
            Some(Ok(now)) => LocalTime { at: UnixMillis(now.at_ms), offset_minutes: now.offset_minutes },
            _ => self.clock.now(),
        }
    }
}

impl firsthand_node::Uptime for Clocks {
    fn read(&self) -> Option<Ticks> {
        match self.port.as_ref().map(|port| port.uptime()) {
            Some(Ok(uptime)) => uptime.map(|uptime| Ticks { boot: uptime.boot, ms: uptime.ms }),
            _ => self.uptime.read(),
        }
    }
}

struct Vault(Arc<dyn KeyVault>);

fn vault_error(error: PortError) -> VaultError {
    match error {
        PortError::Unavailable => VaultError::Unavailable,
        PortError::Gone => VaultError::Gone,
        PortError::Failed => VaultError::System("it failed".to_owned()),
    }
}

impl firsthand_node::KeyVault for Vault {
    fn secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.0.secret().map_err(vault_error)?.map(Zeroizing::new))
    }

    fn installation(&self, _: &std::path::Path) -> Result<[u8; 16], VaultError> {
        let number = self.0.installation().map_err(vault_error)?;
        number
            .try_into()
            .map_err(|_| VaultError::System("its installation number is not 16 bytes".to_owned()))
    }
}
