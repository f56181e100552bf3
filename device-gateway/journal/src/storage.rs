//! The operations by which the journal changes the disk, as thin as they can be: tests let each of them fail.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

/// Changes of a directory.
pub(crate) trait Storage: Send + Sync {
    /// A new file; one of this name is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;
    /// A file that is there, to be written on.
    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>>;
    /// Renames a file over whatever has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes what was created, renamed and removed in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// Changes of a file.
pub(crate) trait StoredFile: Send {
    /// Writes all bytes at a position, or says that it could not; then any part of them may be there.
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;
    /// Cuts the file.
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync(&self) -> io::Result<()>;
}

/// The real one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk;

impl Storage for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        Ok(Box::new(File::create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        Ok(Box::new(OpenOptions::new().write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl StoredFile for File {
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.write_all_at(bytes, position)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data() // writes the length too, which reading back depends on
    }
}
