//! The bundles of all devices of an election: thousands of files, made durable a thousand devices at a time.

use std::{collections::BTreeMap, fs, io};

use device_wire::VerifyingKey;
use election::{
    Definition, DeviceId,
    definition::{Device, DeviceStatus},
};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Tale, Trouble,
    authority::Authority,
    bundle,
    centre::{Centre, GATEWAY, new_signing_key},
    vault::{Vault, private_dir, sync_parent},
};

/// Where a batch is prepared. One that is found there was never finished, and nobody knows its keys.
const UNFINISHED: &str = "devices/.unfinished";
/// Devices that become durable with one sync.
const BATCH: usize = 1_000;

/// The keys that stand or were made.
#[derive(Default)]
pub(crate) struct Keys {
    /// By device.
    pub of_devices: BTreeMap<DeviceId, VerifyingKey>,
    made: usize,
    stood: usize,
    elsewhere: usize,
}

impl Keys {
    /// One sentence about them; `filled` cells of the register were empty.
    pub fn told(&self, filled: usize) -> String {
        let Self { made, stood, elsewhere, .. } = self;
        let elsewhere = match elsewhere {
            0 => String::new(),
            count => format!(", {count} with keys or without need of one that are not kept here"),
        };
        format!(
            "{} devices: {made} provisioned, {stood} stood already{elsewhere}; devices.csv: {filled} public keys filled in",
            made + stood + self.elsewhere
        )
    }
}

/// Makes the bundle of each device that has none, and looks at those that stand.
pub(crate) fn fill(
    vault: &Vault,
    authority: &Authority,
    definition: &Definition,
    centre: &Centre,
    tale: &mut Tale,
) -> Result<Keys, Trouble> {
    private_dir(&vault.path(bundle::DEVICES))?;
    forget_unfinished(vault)?;
    let mut keys = Keys::default();
    let mut missing = Vec::new();
    let election = &definition.about().id;
    let (mut mended, mut kept, mut foreign, mut unheld) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let progress = progress(definition.devices().len());
    for device in definition.devices().values() {
        progress.inc(1);
        if device.id.as_str() == GATEWAY {
            let what = format!("device {GATEWAY}: this name is the gateway's own, call the device otherwise");
            return Err(Trouble::mistake("devices.csv", what));
        }
        match bundle::look(vault, authority, centre, election, device)? {
            Some(standing) => {
                keys.stood += 1;
                let name = device.id.to_string();
                mended.extend(standing.mended.iter().map(|file| format!("{name}/{file}")));
                if !standing.current {
                    kept.push(format!("devices/{name}/device.toml"));
                }
                if is_foreign(vault, device, &standing.key)? {
                    foreign.push(name);
                }
                keys.of_devices.insert(device.id.clone(), standing.key);
            }
            None if device.public_key.is_none() && device.status != DeviceStatus::Revoked => {
                missing.push(device)
            }
            None => {
                keys.elsewhere += 1;
                if device.status != DeviceStatus::Revoked {
                    unheld.push(device.id.to_string());
                }
            }
        }
    }
    tale.made.extend(mended);
    tale.warn_of(&kept, "kept, though these options or the register would now have it say something else; remove it to have it written anew");
    tale.warn_of(&foreign, "devices.csv has another key than the bundle: what it has is kept, and the device's reports will be refused (E03)");
    tale.warn_of(&unheld, "devices.csv has a public key whose private one is not kept here: both are left as they are, and no bundle is made");
    keys.made = missing.len();
    progress.reset();
    progress.set_length(missing.len() as u64);
    let workshop = Workshop { vault, authority, definition, centre };
    for batch in missing.chunks(BATCH) {
        workshop.make(batch, &mut keys, &progress)?;
    }
    progress.finish_and_clear();
    Ok(keys)
}

/// Whether the register has a key that never was this device's here.
fn is_foreign(vault: &Vault, device: &Device, key: &VerifyingKey) -> Result<bool, Trouble> {
    let Some(listed) = device.public_key.filter(|listed| listed != key.as_bytes()) else { return Ok(false) };
    // A key that was reissued stays in the register that the journal was begun with.
    let superseded = bundle::superseded_keys(&bundle::dir_of(vault, device.id.as_str()))?;
    Ok(superseded.iter().all(|old| *old != listed))
}

/// What new bundles are made with.
struct Workshop<'a> {
    vault: &'a Vault,
    authority: &'a Authority,
    definition: &'a Definition,
    centre: &'a Centre,
}

impl Workshop<'_> {
    /// Makes bundles where nobody looks for them, has them synced, and puts each in its place.
    fn make(&self, batch: &[&Device], keys: &mut Keys, progress: &ProgressBar) -> Result<(), Trouble> {
        let unfinished = self.vault.path(UNFINISHED);
        private_dir(&unfinished)?;
        for device in batch {
            let dir = unfinished.join(device.id.as_str());
            let key = new_signing_key(&dir)?;
            bundle::draft(&dir, self.authority, self.centre, &self.definition.about().id, device, &key)?;
            keys.of_devices.insert(device.id.clone(), key.verifying_key());
            progress.inc(1);
        }
        self.vault.sync()?;
        for device in batch {
            let place = bundle::dir_of(self.vault, device.id.as_str());
            let made = fs::rename(unfinished.join(device.id.as_str()), &place);
            made.map_err(Trouble::io(&place, "made"))?;
        }
        sync_parent(&unfinished)?;
        forget_unfinished(self.vault)
    }
}

fn forget_unfinished(vault: &Vault) -> Result<(), Trouble> {
    let path = vault.path(UNFINISHED);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Trouble::io(&path, "removed")(error)),
        _ => Ok(()),
    }
}

fn progress(devices: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} devices, {eta} left");
    ProgressBar::new(devices as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
