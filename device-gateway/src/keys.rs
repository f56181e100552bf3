//! The keys of all devices, and which of them may speak now.
//!
//! A key is kept as the 32 bytes that it is written as: of a million devices few speak at a time. Those of whoever spoke
//! lately are kept as the points that verify, for to make a point of the bytes is a fifth of a verification.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use device_wire::{
    DeviceEntry, Keyring, Standing, VerifyingKey,
    keys::{KeyError, public_from_bytes},
};
use election::{
    Definition, DeviceId,
    definition::{Device, DeviceStatus},
    record::{Change, PublicKey},
};

use crate::recent::Recent;

/// Points that are kept at least; at most twice as many, some 7 MiB.
const POINTS: usize = 14_000;

/// The keys of a definition's devices. Decisions change keys and standing while the night runs.
#[derive(Debug)]
pub struct Keys {
    /// As the night began, by name.
    register: Box<[Entry]>,
    /// Those of which a decision has changed something, or is being recorded.
    changed: RwLock<HashMap<DeviceId, Holder>>,
    points: Mutex<Recent<[u8; 32], VerifyingKey>>,
    /// How many decisions have changed something.
    changes: AtomicU64,
}

/// A device in the register.
#[derive(Debug)]
struct Entry {
    device: DeviceId,
    key: Option<[u8; 32]>,
    status: DeviceStatus,
}

/// What the register says of a device now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// What it may do.
    pub status: DeviceStatus,
    /// Its public key; `None` before it is provisioned.
    pub public_key: Option<[u8; 32]>,
    /// Its keys before this one, the oldest first: reports from before are signed with them.
    pub superseded: Vec<[u8; 32]>,
}

#[derive(Debug)]
struct Holder {
    /// `None` before the device is provisioned: nothing that it signs can be verified.
    key: Option<[u8; 32]>,
    /// Keys that were in force before.
    superseded: Vec<[u8; 32]>,
    status: DeviceStatus,
    /// A decision about it is being recorded.
    pending: bool,
}

/// Why a key cannot become a device's.
#[derive(Debug, thiserror::Error)]
pub enum NotFit {
    /// No such device.
    #[error("device {0} is not in devices.csv: a new device is added there before the election is begun")]
    Unknown(DeviceId),
    /// No point of the curve, or one under which anybody can sign.
    #[error("the public key of device {0} is not one of Ed25519: take it from `sanak provision --reissue`")]
    NoKey(DeviceId, #[source] KeyError),
    /// Each device has its own, and each key is used once.
    #[error("this public key is or was that of device {0}: make a new one with `sanak provision --reissue`")]
    Used(DeviceId),
}

impl Keys {
    /// The keys in a definition. A device without a key, or with one that is no point of the curve, is named
    /// in the second part: nothing it signs could be verified.
    pub fn of(definition: &Definition) -> (Self, Vec<DeviceId>) {
        let mut without = Vec::new();
        let entry = |device: &Device| {
            let key = device.public_key.filter(|bytes| public_from_bytes(bytes).is_ok());
            if key.is_none() {
                without.push(device.id.clone());
            }
            Entry { device: device.id.clone(), key, status: device.status }
        };
        let register = definition.devices().values().map(entry).collect();
        (Self::new(register), without)
    }

    /// `register` is in the order of names.
    fn new(register: Box<[Entry]>) -> Self {
        let (changed, points) = (RwLock::default(), Mutex::new(Recent::of(POINTS)));
        Self { register, changed, points, changes: AtomicU64::new(0) }
    }

    /// Takes what a decision changed: who may speak, or with which key. In the order of the journal.
    ///
    /// # Errors
    /// [`NotFit`]; nothing is changed then, live as in replay.
    pub fn apply(&self, device: &DeviceId, change: &Change) -> Result<(), NotFit> {
        match change {
            Change::Status(status) => self.change(device, |holder| holder.status = *status),
            Change::Key(key) => {
                self.consider(device, key)?;
                self.change(device, |holder| holder.superseded.extend(holder.key.replace(key.0)));
            }
        }
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Whether a key could become a device's.
    ///
    /// # Errors
    /// [`NotFit`].
    pub fn consider(&self, device: &DeviceId, key: &PublicKey) -> Result<(), NotFit> {
        if self.entry(device.as_str()).is_none() {
            return Err(NotFit::Unknown(device.clone()));
        }
        public_from_bytes(&key.0).map_err(|why| NotFit::NoKey(device.clone(), why))?;
        let used = |holder: &Holder| holder.key.iter().chain(&holder.superseded).any(|held| *held == key.0);
        let mut ids = self.register.iter().map(|entry| &entry.device);
        match ids.find(|id| self.read(id.as_str(), used).unwrap_or(false)) {
            Some(owner) => Err(NotFit::Used(owner.clone())),
            None => Ok(()),
        }
    }

    /// Refuses a device without an answer while a decision about it is being recorded, or no longer.
    pub fn set_pending(&self, device: &DeviceId, pending: bool) {
        self.change(device, |holder| holder.pending = pending);
    }

    /// What a device may do; `None` where nobody has this name.
    pub fn status(&self, id: &str) -> Option<DeviceStatus> {
        self.read(id, |holder| holder.status)
    }

    /// Whether these are the bytes of a key that was this device's before another took its place.
    pub fn is_superseded(&self, id: &str, key: &[u8]) -> bool {
        let held = |holder: &Holder| holder.superseded.iter().any(|old| old == key);
        self.read(id, held).unwrap_or(false)
    }

    /// How many decisions have changed the register: another number, another register.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// What the register says of a device now; `None` where nobody has this name.
    pub fn registered(&self, id: &str) -> Option<Registered> {
        self.read(id, |holder| Registered {
            status: holder.status,
            public_key: holder.key,
            superseded: holder.superseded.clone(),
        })
    }

    fn entry(&self, id: &str) -> Option<&Entry> {
        let at = self.register.binary_search_by(|entry| entry.device.as_str().cmp(id)).ok()?;
        Some(&self.register[at])
    }

    fn read<T>(&self, id: &str, read: impl FnOnce(&Holder) -> T) -> Option<T> {
        let entry = self.entry(id)?;
        let changed = self.changed.read().unwrap_or_else(PoisonError::into_inner);
        Some(match changed.get(id) {
            Some(holder) => read(holder),
            None => read(&Holder::of(entry)),
        })
    }

    fn change(&self, device: &DeviceId, change: impl FnOnce(&mut Holder)) {
        if let Some(entry) = self.entry(device.as_str()) {
            let mut changed = self.changed.write().unwrap_or_else(PoisonError::into_inner);
            change(changed.entry(device.clone()).or_insert_with(|| Holder::of(entry)));
        }
    }

    /// The point of a key of the register.
    fn point(&self, key: &[u8; 32]) -> Option<VerifyingKey> {
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(point) = points.get(key) {
            return Some(*point);
        }
        let point = public_from_bytes(key).ok()?;
        points.insert(*key, point);
        Some(point)
    }
}

impl Holder {
    /// Before any decision.
    fn of(entry: &Entry) -> Self {
        Self { key: entry.key, superseded: Vec::new(), status: entry.status, pending: false }
    }
}

#[cfg(test)]
impl Keys {
    /// Devices with these names and a key of no meaning.
    pub(crate) fn with(names: &[&str]) -> Self {
        let key = Some(device_wire::SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes());
        let entry = |name: &&str| Entry { device: name.parse().unwrap(), key, status: DeviceStatus::Active };
        let mut register: Box<[_]> = names.iter().map(entry).collect();
        register.sort_by(|one, other| one.device.cmp(&other.device));
        Self::new(register)
    }
}

impl Keyring for Keys {
    fn device(&self, id: &DeviceId) -> Option<DeviceEntry> {
        let entry = |holder: &Holder| {
            let standing = match holder.status {
                _ if holder.pending => Standing::Pending,
                DeviceStatus::Active => Standing::Active,
                DeviceStatus::Spare | DeviceStatus::Revoked => Standing::Shut,
            };
            holder.key.map(|key| (key, standing))
        };
        let (key, standing) = self.read(id.as_str(), entry).flatten()?;
        Some(DeviceEntry { key: self.point(&key)?, standing })
    }
}
