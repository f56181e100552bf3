//! The keys of all devices, and which of them may speak now.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use device_wire::{
    DeviceEntry, Keyring, Standing, VerifyingKey,
    keys::{KeyError, public_from_bytes},
};
use election::{
    Definition, DeviceId,
    definition::DeviceStatus,
    record::{Change, PublicKey},
};

/// The keys of a definition's devices. Decisions change keys and standing while the night runs.
#[derive(Debug, Default)]
pub struct Keys {
    /// Each in a place of its own: half of a large table is empty.
    holders: HashMap<DeviceId, Box<RwLock<Holder>>>,
    /// How many decisions have changed something.
    changes: AtomicU64,
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
    key: Option<VerifyingKey>,
    /// Keys that were in force before.
    superseded: Vec<VerifyingKey>,
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
        let mut keys = HashMap::new();
        let mut without = Vec::new();
        for device in definition.devices().values() {
            let key = device.public_key.as_ref().and_then(|bytes| public_from_bytes(bytes).ok());
            if key.is_none() {
                without.push(device.id.clone());
            }
            let holder = Holder { key, superseded: Vec::new(), status: device.status, pending: false };
            keys.insert(device.id.clone(), Box::new(RwLock::new(holder)));
        }
        (Self { holders: keys, changes: AtomicU64::new(0) }, without)
    }

    /// Takes what a decision changed: who may speak, or with which key. In the order of the journal.
    ///
    /// # Errors
    /// [`NotFit`]; nothing is changed then, live as in replay.
    pub fn apply(&self, device: &DeviceId, change: &Change) -> Result<(), NotFit> {
        match change {
            Change::Status(status) => self.change(device, |holder| holder.status = *status),
            Change::Key(key) => {
                let key = self.consider(device, key)?;
                self.change(device, |holder| holder.superseded.extend(holder.key.replace(key)));
            }
        }
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Whether a key could become a device's.
    ///
    /// # Errors
    /// [`NotFit`].
    pub fn consider(&self, device: &DeviceId, key: &PublicKey) -> Result<VerifyingKey, NotFit> {
        if !self.holders.contains_key(device) {
            return Err(NotFit::Unknown(device.clone()));
        }
        let of_curve = public_from_bytes(&key.0).map_err(|why| NotFit::NoKey(device.clone(), why))?;
        let used =
            |holder: &Holder| holder.key.iter().chain(&holder.superseded).any(|held| *held == of_curve);
        match self.holders.keys().find(|id| self.read(id.as_str(), used).unwrap_or(false)) {
            Some(owner) => Err(NotFit::Used(owner.clone())),
            None => Ok(of_curve),
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
        let held = |holder: &Holder| holder.superseded.iter().any(|old| old.as_bytes() == key);
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
            public_key: holder.key.map(|key| key.to_bytes()),
            superseded: holder.superseded.iter().map(VerifyingKey::to_bytes).collect(),
        })
    }

    fn read<T>(&self, id: &str, read: impl FnOnce(&Holder) -> T) -> Option<T> {
        let holder = self.holders.get(id)?;
        Some(read(&holder.read().unwrap_or_else(PoisonError::into_inner)))
    }

    fn change(&self, device: &DeviceId, change: impl FnOnce(&mut Holder)) {
        if let Some(holder) = self.holders.get(device) {
            change(&mut holder.write().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
impl Keys {
    /// Devices with these names and a key of no meaning.
    pub(crate) fn with(names: &[&str]) -> Self {
        let key = device_wire::SigningKey::from_bytes(&[7; 32]).verifying_key();
        let holder = |name: &&str| {
            let (status, superseded) = (DeviceStatus::Active, Vec::new());
            let holder = Holder { key: Some(key), superseded, status, pending: false };
            (name.parse().unwrap(), Box::new(RwLock::new(holder)))
        };
        Self { holders: names.iter().map(holder).collect(), changes: AtomicU64::new(0) }
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
            holder.key.map(|key| DeviceEntry { key, standing })
        };
        self.read(id.as_str(), entry).flatten()
    }
}
