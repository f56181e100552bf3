//! A disk that refuses operations: with nothing done, with part of it done, or with all of it done.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use super::{Run, directory, holds};
use crate::storage::{Disk, Storage, StoredFile};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Nothing,
    Part,
    All,
}

/// Refuses `count` operations from number `first` on.
struct Refusing {
    done: Arc<AtomicU64>,
    first: u64,
    count: u64,
    effect: Effect,
}

impl Refusing {
    fn new(first: u64, count: u64, effect: Effect) -> Arc<Self> {
        Arc::new(Self { done: Arc::default(), first, count, effect })
    }

    fn copy(&self) -> Self {
        Self { done: Arc::clone(&self.done), ..*self }
    }

    /// Does an operation unless it is its turn to be refused; `part` is what is done of it then.
    fn on<T>(&self, all: impl FnOnce() -> io::Result<T>, part: impl FnOnce()) -> io::Result<T> {
        let number = self.done.fetch_add(1, SeqCst);
        if !(self.first..self.first + self.count).contains(&number) {
            return all();
        }
        match self.effect {
            Effect::Nothing => {}
            Effect::Part => part(),
            Effect::All => drop(all()),
        }
        Err(io::Error::from_raw_os_error(28)) // no space left on device
    }
}

struct RefusingFile {
    file: Box<dyn StoredFile>,
    disk: Refusing,
}

impl Storage for Refusing {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let file = self.on(|| Disk.create(path), || ())?;
        Ok(Box::new(RefusingFile { file, disk: self.copy() }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let file = self.on(|| Disk.open(path), || ())?;
        Ok(Box::new(RefusingFile { file, disk: self.copy() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.on(|| Disk.rename(from, to), || ())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.on(|| Disk.remove(path), || ())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.on(|| dir.metadata().map(drop), || ()) // the power stays on here
    }
}

impl StoredFile for RefusingFile {
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let part = || self.file.write_at(&bytes[..bytes.len() / 2], position).unwrap();
        self.disk.on(|| self.file.write_at(bytes, position), part)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk.on(|| self.file.truncate(length), || ())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.on(|| Ok(()), || ()) // the power stays on here
    }
}

/// Two lives of a journal on a disk that refuses `count` operations from number `first` on. Says how many
/// operations there were, and how many batches were refused.
fn live(first: u64, count: u64, effect: Effect) -> (u64, u64) {
    let what = format!("{count} operations from {first} on refused, {effect:?} done");
    let dir = directory();
    let disk = Refusing::new(first, count, effect);
    let (mut released, mut refused, mut made) = (Vec::new(), 0, 0);
    for _ in 0..2 {
        let opened = (0..=count).find_map(|_| Run::open(Arc::clone(&disk) as _, dir.path()).ok());
        let mut run = opened.unwrap_or_else(|| panic!("{what}: cannot be opened again"));
        run.made = made;
        let mut left = 12;
        while left > 0 {
            if run.store(left % 4 + 1) {
                left -= 1;
            } else {
                refused += 1;
                assert!(refused <= 2 * count, "{what}: does not recover");
            }
        }
        made = run.made;
        released.append(&mut run.released);
    }
    assert_eq!(released.len(), 2 * 30, "{what}");
    holds(dir.path(), &released, &what);
    (disk.done.load(SeqCst), refused)
}

#[test]
fn an_error_at_any_operation_loses_nothing_that_was_released() {
    let (operations, refused) = live(u64::MAX - 1, 1, Effect::Nothing);
    assert!(operations > 60 && refused == 0, "{operations} {refused}");
    let mut batches = 0;
    for first in 0..operations {
        for effect in [Effect::Nothing, Effect::Part, Effect::All] {
            batches += live(first, 1, effect).1;
        }
    }
    assert!(batches > operations, "most operations are those of batches: {batches}");
}

#[test]
fn a_disk_that_is_full_for_a_while_stops_nothing_for_good() {
    for first in 0..100 {
        for effect in [Effect::Nothing, Effect::Part, Effect::All] {
            live(first, 2 + first % 9, effect);
        }
    }
}
