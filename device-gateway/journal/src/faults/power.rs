//! Loss of power: of what was not synced, any part may be on the disk, and a failed sync syncs nothing later.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use super::{Run, directory, holds};
use crate::storage::{Disk, Storage, StoredFile};

/// A disk loses what it has not synced in pieces of this size.
const SECTOR: usize = 64;

/// A sequence of numbers that looks like chance (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

/// A file: what the system shows of it, and what the disk has.
#[derive(Default)]
struct Image {
    shown: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that the next sync writes.
    dirty: Vec<usize>,
}

struct State {
    files: Vec<Image>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    chance: Chance,
    /// Operations until the power goes.
    left: u64,
}

#[derive(Clone)]
struct Fragile(Arc<Mutex<State>>);

impl Fragile {
    fn new(seed: u64, left: u64) -> Self {
        let chance = Chance(seed);
        let (names, durable_names) = Default::default();
        Self(Arc::new(Mutex::new(State { files: Vec::new(), names, durable_names, chance, left })))
    }

    /// Counts an operation. One in twenty fails; after the power has gone, all do.
    fn begin(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.0.lock().unwrap();
        state.left = state.left.saturating_sub(1);
        if state.left == 0 || state.chance.below(20) == 0 {
            return Err(io::Error::from_raw_os_error(5)); // input/output error
        }
        Ok(state)
    }

    /// Writes what the disk has after the power has gone.
    fn aftermath(&self, dir: &Path) {
        let mut guard = self.0.lock().unwrap();
        let State { files, names, durable_names, chance, .. } = &mut *guard;
        let names = if chance.below(2) == 0 { names } else { durable_names };
        for (path, file) in names {
            let Image { shown, durable, dirty } = &files[*file];
            let mut bytes = durable.clone();
            if chance.below(2) == 0 {
                bytes.resize(shown.len(), 0);
            }
            for sector in dirty {
                let range = sector * SECTOR..((sector + 1) * SECTOR).min(bytes.len()).min(shown.len());
                if !range.is_empty() && chance.below(2) == 0 {
                    bytes[range.clone()].copy_from_slice(&shown[range]);
                }
            }
            std::fs::write(dir.join(path.file_name().unwrap()), bytes).unwrap();
        }
    }
}

struct FragileFile {
    disk: Fragile,
    file: Box<dyn StoredFile>,
    id: usize,
}

impl Storage for Fragile {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let mut state = self.begin()?;
        let id = state.names.get(path).copied().unwrap_or(state.files.len());
        if id == state.files.len() {
            state.files.push(Image::default());
            state.names.insert(path.to_owned(), id);
        }
        state.files[id].shown.clear();
        Ok(Box::new(FragileFile { disk: self.clone(), file: Disk.create(path)?, id }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let id = self.begin()?.names[path];
        Ok(Box::new(FragileFile { disk: self.clone(), file: Disk.open(path)?, id }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.begin()?;
        let id = state.names.remove(from).unwrap();
        state.names.insert(to.to_owned(), id);
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.begin()?.names.remove(path);
        Disk.remove(path)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        let mut state = self.begin()?;
        state.durable_names = state.names.clone();
        Ok(())
    }
}

impl StoredFile for FragileFile {
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let begun = self.disk.begin();
        let (bytes, done) = match &begun {
            Ok(_) => (bytes, Ok(())),
            Err(error) => (&bytes[..bytes.len() / 3], Err(io::Error::from(error.kind()))),
        };
        drop(begun);
        let mut state = self.disk.0.lock().unwrap();
        let (start, image) = (usize::try_from(position).unwrap(), &mut state.files[self.id]);
        let end = start + bytes.len();
        image.shown.resize(image.shown.len().max(end), 0);
        image.shown[start..end].copy_from_slice(bytes);
        image.dirty.extend(start / SECTOR..end.div_ceil(SECTOR));
        self.file.write_at(bytes, position)?;
        done
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.begin()?;
        state.files[self.id].shown.resize(usize::try_from(length).unwrap(), 0);
        self.file.truncate(length)
    }

    fn sync(&self) -> io::Result<()> {
        let begun = self.disk.begin().map(drop);
        let mut state = self.disk.0.lock().unwrap();
        let State { files, chance, .. } = &mut *state;
        let Image { shown, durable, dirty } = &mut files[self.id];
        if begun.is_ok() || chance.below(2) == 0 {
            durable.resize(shown.len(), 0);
        }
        for sector in dirty.drain(..) {
            let range = sector * SECTOR..((sector + 1) * SECTOR).min(shown.len()).min(durable.len());
            // After a sync that failed, what was not written is taken for clean all the same.
            if !range.is_empty() && (begun.is_ok() || chance.below(2) == 0) {
                durable[range.clone()].copy_from_slice(&shown[range]);
            }
        }
        begun
    }
}

#[test]
fn what_was_released_outlives_a_loss_of_power_at_any_moment() {
    let (mut released, mut reopened) = (0, 0);
    for seed in 0..1_500 {
        let (shown, after) = (directory(), directory());
        let disk = Fragile::new(seed, 10 + seed % 150);
        let (mut all, mut made) = (Vec::new(), 0);
        // The process may be killed and started again while the power is on.
        for _ in 0..3 {
            let Ok(mut run) = Run::open(Arc::new(disk.clone()), shown.path()) else { continue };
            run.made = made;
            for batch in 0..12 {
                run.store(batch % 4 + 1);
            }
            made = run.made;
            all.append(&mut run.released);
        }
        disk.aftermath(after.path());
        let what = format!("seed {seed}");
        let mut run =
            Run::open(Arc::new(Disk), after.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        holds(after.path(), &all, &what);
        run.made = made;
        assert!(run.store(3), "{what}");
        all.append(&mut run.released);
        drop(run);
        holds(after.path(), &all, &what);
        released += all.len();
        reopened += 1;
    }
    assert!(released > 10_000 && reopened == 1_500, "{released}");
}
