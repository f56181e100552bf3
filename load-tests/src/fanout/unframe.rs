//! Messages in a stream of bytes. Of each only its beginning and its length are kept: thousands of readers share one
//! buffer.

use super::Target;

/// How much of a message's beginning is kept: the header of a frame up to its version.
pub(super) const HEAD: usize = 128;
/// Longest line of NATS that is read.
const LONGEST_LINE: usize = 1_024;

/// What a reader has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// It is subscribed; where the feed says so, up to this version.
    Ready(u64),
    /// A frame with this version, of this length.
    Frame(u64, usize),
}

/// The version in the beginning of a frame.
pub(super) fn version(head: &[u8]) -> Option<u64> {
    let key = b"\"version\":";
    let at = head.windows(key.len()).position(|window| window == key)? + key.len();
    let digits = head[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let mut any = None;
    for digit in digits {
        any = Some(any.unwrap_or(0u64).checked_mul(10)?.checked_add(u64::from(digit - b'0'))?);
    }
    any
}

/// A reader's side of a stream.
#[derive(Debug)]
pub(super) struct Unframe {
    web_socket: Option<WebSocket>,
    inner: Inner,
}

/// Where a WebSocket's stream stands (RFC 6455 §5.2; a server's frames are not masked).
#[derive(Debug, Default)]
struct WebSocket {
    head: Vec<u8>,
    /// Opcode of the frame whose payload is being passed on, and how much of it is left.
    frame: Option<(u8, u64)>,
    last: bool,
}

/// Messages within.
#[derive(Debug)]
struct Inner {
    target: Target,
    /// Bytes of a head, a line or a packet's beginning that is not complete.
    pending: Vec<u8>,
    /// The message that is being taken: its beginning, its length, and what is left of it.
    message: Option<(Vec<u8>, usize, usize)>,
    /// Bytes to pass over after it.
    skip: usize,
    told: Vec<Event>,
}

impl Unframe {
    pub(super) fn new(target: Target) -> Self {
        let inner = Inner { target, pending: Vec::new(), message: None, skip: 0, told: Vec::new() };
        Self { web_socket: (target != Target::Tcp).then(WebSocket::default), inner }
    }

    /// Takes bytes as they came: what they complete.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<std::vec::Drain<'_, Event>, String> {
        match &mut self.web_socket {
            Some(web_socket) => web_socket.take(bytes, &mut self.inner)?,
            None => self.inner.take(bytes)?,
        }
        Ok(self.inner.told.drain(..))
    }
}

impl WebSocket {
    fn take(&mut self, mut bytes: &[u8], inner: &mut Inner) -> Result<(), String> {
        while !bytes.is_empty() {
            let Some((opcode, left)) = &mut self.frame else {
                let (byte, rest) = bytes.split_at(1);
                self.head.extend_from_slice(byte);
                bytes = rest;
                self.begin(inner)?;
                continue;
            };
            let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            let (payload, rest) = bytes.split_at(here);
            *left -= here as u64;
            let (opcode, ended) = (*opcode, *left == 0);
            if opcode < 8 {
                inner.take(payload)?;
            }
            if ended {
                self.end(inner)?;
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Begins a frame once its head is complete.
    fn begin(&mut self, inner: &mut Inner) -> Result<(), String> {
        let [first, second, rest @ ..] = &self.head[..] else { return Ok(()) };
        let length = match (second & 0x7f, rest) {
            (126, [a, b]) => u64::from(u16::from_be_bytes([*a, *b])),
            (127, rest) if rest.len() == 8 => rest.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            (126 | 127, _) => return Ok(()),
            (short, _) => u64::from(short),
        };
        let opcode = first & 0x0f;
        if opcode == 8 {
            return Err("the server closed the WebSocket".to_owned());
        }
        self.last = first & 0x80 != 0;
        self.frame = Some((opcode, length));
        self.head.clear();
        if opcode < 8 && inner.target == Target::Sanak {
            inner.grow(usize::try_from(length).map_err(|_| "a frame without end".to_owned())?);
        }
        if length == 0 { self.end(inner) } else { Ok(()) }
    }

    fn end(&mut self, inner: &mut Inner) -> Result<(), String> {
        let ended = self.frame.take();
        let message = self.last && ended.is_some_and(|(opcode, _)| opcode < 8);
        if message && inner.target == Target::Sanak { inner.tell() } else { Ok(()) }
    }
}

impl Inner {
    /// A message of the feed is a WebSocket's message: so much more of it is to come.
    fn grow(&mut self, by: usize) {
        let (_, length, left) = self.message.get_or_insert_with(|| (Vec::new(), 0, 0));
        *length += by;
        *left += by;
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            if let Some((head, _, left)) = &mut self.message {
                let here = (*left).min(bytes.len());
                let keep = here.min(HEAD - head.len());
                head.extend_from_slice(&bytes[..keep]);
                *left -= here;
                bytes = &bytes[here..];
                if self.target == Target::Sanak {
                    continue; // it ends with the WebSocket's message
                }
                if *left == 0 {
                    self.tell()?;
                }
            } else if self.skip > 0 {
                let here = self.skip.min(bytes.len());
                self.skip -= here;
                bytes = &bytes[here..];
            } else {
                self.pending.push(bytes[0]);
                bytes = &bytes[1..];
                match self.target {
                    Target::Tcp => self.length()?,
                    Target::Mosquitto => self.packet()?,
                    Target::Nats => self.line()?,
                    Target::Sanak => return Err("bytes outside of a message".to_owned()),
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, length: usize) {
        self.pending.clear();
        self.message = Some((Vec::with_capacity(HEAD.min(length)), length, length));
    }

    /// Four bytes of length; a message of none is the greeting.
    fn length(&mut self) -> Result<(), String> {
        if let Ok(length) = <[u8; 4]>::try_from(&self.pending[..]) {
            self.begin(u32::from_be_bytes(length) as usize);
            if length == [0; 4] {
                (self.message, self.skip) = (None, 0);
                self.told.push(Event::Ready(0));
            }
        }
        Ok(())
    }

    /// A packet of MQTT: its first byte, its remaining length, and of a PUBLISH its topic.
    fn packet(&mut self) -> Result<(), String> {
        let [first, rest @ ..] = &self.pending[..] else { return Ok(()) };
        let Some(ends) = rest.iter().position(|byte| byte & 0x80 == 0) else {
            return if rest.len() > 4 { Err("a packet without end".to_owned()) } else { Ok(()) };
        };
        let remaining = rest[..=ends].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let body = &rest[ends + 1..];
        match first >> 4 {
            3 => {
                let [high, low, topic @ ..] = body else { return Ok(()) };
                let topic_length = usize::from(u16::from_be_bytes([*high, *low]));
                if topic.len() == topic_length {
                    let length = remaining.checked_sub(2 + topic_length);
                    self.begin(length.ok_or_else(|| "a topic longer than its packet".to_owned())?);
                }
            }
            kind if body.len() == remaining => {
                if kind == 9 {
                    self.told.push(Event::Ready(0));
                }
                self.pending.clear();
            }
            _ => {}
        }
        Ok(())
    }

    /// A line of NATS.
    fn line(&mut self) -> Result<(), String> {
        if self.pending.len() > 16 * LONGEST_LINE {
            return Err("a line without end".to_owned());
        }
        let Some(line) = self.pending.strip_suffix(b"\r\n") else { return Ok(()) };
        let text = String::from_utf8_lossy(line);
        if text.starts_with("MSG ") {
            let length = text.rsplit(' ').next().and_then(|length| length.parse().ok());
            self.begin(length.ok_or_else(|| format!("a message without length: {text}"))?);
            self.skip = 2;
            return Ok(());
        }
        if text.starts_with("-ERR") {
            return Err(text.into_owned());
        }
        if text == "PONG" {
            self.told.push(Event::Ready(0));
        }
        self.pending.clear();
        Ok(())
    }

    fn tell(&mut self) -> Result<(), String> {
        let Some((head, length, _)) = self.message.take() else { return Ok(()) };
        let number = version(&head);
        let number =
            number.ok_or_else(|| format!("a message without version: {}", String::from_utf8_lossy(&head)))?;
        let starts = |kind: &str| head.starts_with(format!("{{\"type\":\"{kind}\"").as_bytes());
        if starts("snapshot") {
            self.told.push(Event::Ready(number));
        } else if !starts("ping") {
            self.told.push(Event::Frame(number, length));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &str = r#"{"type":"delta","epoch":"e1","version":17,"units":[]}"#;

    fn web_socket(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![opcode];
        match payload.len() {
            short @ ..126 => out.push(u8::try_from(short).unwrap()),
            long => {
                out.push(126);
                out.extend_from_slice(&u16::try_from(long).unwrap().to_be_bytes());
            }
        }
        out.extend_from_slice(payload);
        out
    }

    /// What a stream says, in pieces of any size.
    fn told(target: Target, stream: &[u8]) -> Vec<Event> {
        let of = |piece: usize| {
            let mut unframe = Unframe::new(target);
            let pieces = stream.chunks(piece);
            pieces.flat_map(|bytes| unframe.take(bytes).unwrap().collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let whole = of(stream.len());
        (1..40).for_each(|piece| assert_eq!(of(piece), whole, "in pieces of {piece}"));
        whole
    }

    #[test]
    fn each_target_says_when_it_is_ready_and_each_frame_once() {
        let expected = [Event::Ready(0), Event::Frame(17, FRAME.len()), Event::Frame(17, FRAME.len())];
        let length = u32::try_from(FRAME.len()).unwrap().to_be_bytes();
        let framed = [&length, FRAME.as_bytes()].concat();
        assert_eq!(told(Target::Tcp, &[&[0; 4], &framed[..], &framed].concat()), expected);

        let remaining = u8::try_from(FRAME.len() + 6).unwrap();
        let publish = [&[0x30, remaining, 0, 4][..], b"live", FRAME.as_bytes()].concat();
        let acknowledged = [&[0x20, 2, 0, 0][..], &[0x90, 3, 0, 1, 0]].concat();
        // A packet in two frames, and two packets in one.
        let (begins, ends) = publish.split_at(3);
        let stream = [
            web_socket(0x82, &acknowledged),
            web_socket(0x02, begins),
            web_socket(0x80, &[ends, &publish].concat()),
        ];
        assert_eq!(told(Target::Mosquitto, &stream.concat()), expected);

        let message = format!("MSG live 1 {}\r\n{FRAME}\r\n", FRAME.len());
        let stream = [
            web_socket(0x82, b"INFO {}\r\n"),
            web_socket(0x82, b"PONG\r\nPING\r\n"),
            web_socket(0x82, message.as_bytes()),
            web_socket(0x82, message.as_bytes()),
        ];
        assert_eq!(told(Target::Nats, &stream.concat()), expected);

        let snapshot = FRAME.replace("delta", "snapshot");
        let stream = [
            web_socket(0x81, snapshot.as_bytes()),
            web_socket(0x81, FRAME.replace("delta", "ping").as_bytes()),
            web_socket(0x89, b"a ping"),
            web_socket(0x81, &[FRAME, &" ".repeat(300)].concat().into_bytes()),
        ];
        assert_eq!(
            told(Target::Sanak, &stream.concat()),
            [Event::Ready(17), Event::Frame(17, FRAME.len() + 300)]
        );
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for (target, stream) in [
            (Target::Sanak, web_socket(0x88, &[3, 0xe8])),
            (Target::Sanak, web_socket(0x81, b"{}")),
            (Target::Nats, web_socket(0x82, b"-ERR 'Unknown'\r\n")),
            (Target::Nats, web_socket(0x82, b"MSG live 1 many\r\n")),
            (Target::Mosquitto, web_socket(0x82, &[0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
            (Target::Tcp, vec![0, 0, 0, 2, b'{', b'}']),
        ] {
            assert!(Unframe::new(target).take(&stream).is_err(), "{target:?}");
        }
    }
}
