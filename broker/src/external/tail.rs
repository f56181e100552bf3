//! Follows a log file that somebody else writes, renames and begins anew.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Longest line that is looked at, in bytes; the rest of a longer one is passed over.
const MAX_LINE: usize = 4 * 1024;

/// Read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// A file that is followed.
pub(super) struct Tail {
    path: PathBuf,
    open: Option<Open>,
    /// What was in the file when it was first opened is not of interest.
    begun: bool,
}

struct Open {
    file: File,
    inode: u64,
    at: u64,
    line: Vec<u8>,
    /// Another file has its name: it is read to its end once more, and left.
    renamed: bool,
}

impl Tail {
    /// Follows `path` from its present end; where it is not there yet, from its beginning.
    pub(super) fn new(path: &Path) -> Self {
        let mut tail = Self { path: path.to_owned(), open: None, begun: false };
        // Whatever is wrong is told by the first reading.
        tail.open = tail.reopen().unwrap_or_default();
        tail.begun = true;
        tail
    }

    fn reopen(&self) -> io::Result<Option<Open>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let inode = file.metadata()?.ino();
        let at = if self.begun { 0 } else { file.seek(SeekFrom::End(0))? };
        Ok(Some(Open { file, inode, at, line: Vec::new(), renamed: false }))
    }

    /// Hands over every line that is complete since the last time.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub(super) fn read(&mut self, mut each: impl FnMut(&str)) -> io::Result<()> {
        if self.open.is_none() {
            self.open = self.reopen()?;
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        open.drain(&mut each)?;
        if open.renamed {
            self.open = self.reopen()?;
            return Ok(());
        }
        match fs::metadata(&self.path) {
            // Whoever writes may hold the old file a moment longer: it is read once more.
            Ok(found) => open.renamed = found.ino() != open.inode,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Begun anew under the same name: emptied, not renamed.
        if open.file.metadata()?.len() < open.at {
            open.at = open.file.seek(SeekFrom::Start(0))?;
            open.line.clear();
        }
        Ok(())
    }
}

impl Open {
    fn drain(&mut self, each: &mut impl FnMut(&str)) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = self.file.read(&mut chunk)?;
            if read == 0 {
                return Ok(());
            }
            self.at += read as u64;
            let mut rest = &chunk[..read];
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                self.keep(&rest[..end]);
                each(&String::from_utf8_lossy(&self.line));
                self.line.clear();
                rest = &rest[end + 1..];
            }
            self.keep(rest);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    struct Log {
        directory: tempfile::TempDir,
        file: File,
    }

    impl Log {
        fn new(text: &str) -> (Self, PathBuf) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("log");
            let mut file = File::options().create(true).append(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            (Self { directory, file }, path)
        }

        fn write(&mut self, text: &str) {
            self.file.write_all(text.as_bytes()).unwrap();
        }

        fn rotate(&self) {
            let path = self.directory.path().join("log");
            fs::rename(&path, self.directory.path().join("log.1")).unwrap();
        }

        fn reopen(&mut self) {
            let path = self.directory.path().join("log");
            self.file = File::options().create(true).append(true).open(path).unwrap();
        }
    }

    fn lines(tail: &mut Tail) -> Vec<String> {
        let mut lines = Vec::new();
        tail.read(|line| lines.push(line.to_owned())).unwrap();
        lines
    }

    #[test]
    fn only_what_is_written_from_now_on_is_read_and_only_whole_lines() {
        let (mut log, path) = Log::new("old\n");
        let mut tail = Tail::new(&path);
        assert_eq!(lines(&mut tail), [""; 0]);
        log.write("one\ntw");
        assert_eq!(lines(&mut tail), ["one"]);
        log.write("o\nthree\n");
        assert_eq!(lines(&mut tail), ["two", "three"]);
    }

    #[test]
    fn a_renamed_file_is_read_to_its_end_and_then_the_new_one_from_its_beginning() {
        let (mut log, path) = Log::new("");
        let mut tail = Tail::new(&path);
        log.write("one\n");
        log.rotate();
        // The writer has not noticed yet.
        log.write("two\n");
        assert_eq!(lines(&mut tail), ["one", "two"]);
        let mut first = log.file.try_clone().unwrap();
        log.reopen();
        log.write("four\n");
        first.write_all(b"three\n").unwrap();
        let all: Vec<String> = (0..3).flat_map(|_| lines(&mut tail)).collect();
        assert_eq!(all, ["three", "four"]);
    }

    #[test]
    fn a_file_that_is_emptied_is_read_from_its_beginning() {
        let (mut log, path) = Log::new("");
        let mut tail = Tail::new(&path);
        log.write("one\ntwo\n");
        assert_eq!(lines(&mut tail), ["one", "two"]);
        log.file.set_len(0).unwrap();
        assert_eq!(lines(&mut tail), [""; 0]);
        log.write("three\n");
        assert_eq!(lines(&mut tail), ["three"]);
    }

    #[test]
    fn a_file_that_is_not_there_yet_is_read_from_its_beginning_and_one_that_cannot_be_read_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut tail = Tail::new(&path);
        assert_eq!(lines(&mut tail), [""; 0]);
        fs::write(&path, "one\n").unwrap();
        assert_eq!(lines(&mut tail), ["one"]);
        assert!(Tail::new(directory.path()).read(|_| ()).is_err(), "a directory is no log");
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_its_limit() {
        let (mut log, path) = Log::new("");
        let mut tail = Tail::new(&path);
        for _ in 0..40 {
            log.write(&"x".repeat(CHUNK));
            assert_eq!(lines(&mut tail), [""; 0]);
        }
        log.write("\nnext\n");
        let read = lines(&mut tail);
        assert_eq!((read[0].len(), read[1].as_str()), (MAX_LINE, "next"));
    }
}
