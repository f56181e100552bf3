//! Files and directories that are their owner's alone: directories 0700, keys 0600. A file is there whole or not at
//! all, and on stable storage when the call returns.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock, syncfs};
use tempfile::NamedTempFile;

use super::Trouble;

/// More than any file of ours measures, but for the list of revoked certificates.
const LONGEST: u64 = 64 * 1024;
/// A list of ten thousand revoked certificates measures half a megabyte.
pub(crate) const LONGEST_LIST: u64 = 16 * 1024 * 1024;

/// A key's mode, and everybody else's.
pub(crate) const SECRET: u32 = 0o600;
pub(crate) const OPEN: u32 = 0o644;

/// The directory of all keys. While it is open no other run can change it.
pub(crate) struct Vault {
    root: PathBuf,
    /// Held for its lock.
    handle: File,
}

impl Vault {
    /// Opens a directory, or makes it.
    pub fn open(root: &Path) -> Result<Self, Trouble> {
        private_dir(root)?;
        let handle = File::open(root).map_err(Trouble::io(root, "opened"))?;
        if flock(&handle, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Trouble::mistake(root, "another run works in it: wait for its end"));
        }
        Ok(Self { root: root.to_owned(), handle })
    }

    /// A path in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// Puts everything that was written on its file system on stable storage: one call for thousands of files.
    pub fn sync(&self) -> Result<(), Trouble> {
        syncfs(&self.handle).map_err(|why| Trouble::io(&self.root, "synced")(why.into()))
    }
}

/// Makes a directory that only its owner can enter; one that is there must be such a one.
pub(crate) fn private_dir(path: &Path) -> Result<(), Trouble> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_dir() => {
            Err(Trouble::mistake(path, "is no directory: move it out of the way, or choose another place"))
        }
        Ok(there) if there.permissions().mode() & 0o077 != 0 => {
            Err(Trouble::mistake(path, "others can enter this directory: chmod 700 it"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(Trouble::io(path, "made"))?;
            sync_parent(path)
        }
        Err(error) => Err(Trouble::io(path, "read")(error)),
    }
}

/// A file's text; `None` where there is none. A secret one must be its owner's alone.
pub(crate) fn read(path: &Path, mode: u32) -> Result<Option<String>, Trouble> {
    read_up_to(path, mode, LONGEST)
}

/// As [`read`], of a file that may be longer.
pub(crate) fn read_up_to(path: &Path, mode: u32, longest: u64) -> Result<Option<String>, Trouble> {
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Trouble::io(path, "read")(error)),
    };
    if !there.is_file() {
        return Err(Trouble::mistake(path, "is no plain file: move it out of the way"));
    }
    if mode == SECRET && there.permissions().mode() & 0o077 != 0 {
        return Err(Trouble::mistake(path, "others can read this key: chmod 600 it, or make another one"));
    }
    if there.len() > longest {
        return Err(Trouble::mistake(path, "is none of ours: move it out of the way"));
    }
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(longest).read_to_string(&mut text));
    read.map_err(Trouble::io(path, "read"))?;
    Ok(Some(text))
}

/// Makes a file that is not there yet.
pub(crate) fn make(path: &Path, text: &str, mode: u32) -> Result<(), Trouble> {
    let file = prepared(path, text.as_bytes(), Permissions::from_mode(mode))?;
    file.persist_noclobber(path).map_err(|error| Trouble::io(path, "written")(error.error))?;
    sync_parent(path)
}

/// Puts a file in the place of one that is there, with the permissions that it had.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let had = fs::metadata(path).map_err(Trouble::io(path, "read"))?.permissions();
    let file = prepared(path, bytes, had)?;
    file.persist(path).map_err(|error| Trouble::io(path, "written")(error.error))?;
    sync_parent(path)
}

fn prepared(path: &Path, bytes: &[u8], permissions: Permissions) -> Result<NamedTempFile, Trouble> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(Trouble::io(path, "written"))
}

/// Writes a file of a directory that nobody knows yet: who makes it known has it synced before.
pub(crate) fn draft(path: &Path, text: &str, mode: u32) -> Result<(), Trouble> {
    let created = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    created.and_then(|mut file| file.write_all(text.as_bytes())).map_err(Trouble::io(path, "written"))
}

/// Makes the names in a file's directory durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), Trouble> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Trouble::io(dir, "synced"))
}
