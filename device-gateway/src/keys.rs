//! The keys of all devices, and which of them may speak now.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use device_wire::{DeviceEntry, Keyring, Standing, VerifyingKey, keys::public_from_bytes};
use election::{Definition, DeviceId, definition::DeviceStatus};

/// The keys of a definition's devices. A decision changes a standing while the night runs.
#[derive(Debug, Default)]
pub struct Keys(HashMap<DeviceId, Holder>);

#[derive(Debug)]
struct Holder {
    key: VerifyingKey,
    active: AtomicBool,
}

impl Keys {
    /// The keys in a definition. A device without a key, or with one that is no point of the curve, is named
    /// in the second part: nothing it signs could be verified.
    pub fn of(definition: &Definition) -> (Self, Vec<DeviceId>) {
        let mut keys = HashMap::new();
        let mut without = Vec::new();
        for device in definition.devices().values() {
            let key = device.public_key.as_ref().and_then(|bytes| public_from_bytes(bytes).ok());
            match key {
                Some(key) => {
                    let active = AtomicBool::new(device.status == DeviceStatus::Active);
                    keys.insert(device.id.clone(), Holder { key, active });
                }
                None => without.push(device.id.clone()),
            }
        }
        (Self(keys), without)
    }

    /// Lets a device speak from now on, or shuts it out.
    pub fn set(&self, device: &DeviceId, status: DeviceStatus) {
        if let Some(holder) = self.0.get(device) {
            holder.active.store(status == DeviceStatus::Active, Ordering::Release);
        }
    }

    /// Whether this is a registered device, in use or not.
    pub fn is_device(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }
}

impl Keyring for Keys {
    fn device(&self, id: &DeviceId) -> Option<DeviceEntry<'_>> {
        self.0.get(id).map(|holder| DeviceEntry {
            key: &holder.key,
            standing: match holder.active.load(Ordering::Acquire) {
                true => Standing::Active,
                false => Standing::Shut,
            },
        })
    }
}
