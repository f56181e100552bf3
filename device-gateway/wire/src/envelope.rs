//! COSE_Sign1 envelopes (RFC 9052 §4.2) with Ed25519: taken apart, signed, verified.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use election::{Code, report::Digest};
use sha2::{Digest as _, Sha256};

use crate::{
    cbor::{Malformed, Reader, Writer},
    refusal::Refusal,
    topic::Topic,
};

/// The most an envelope may measure, in bytes (PROTOCOL E06).
pub const MAX_ENVELOPE: usize = 256 * 1024;

const COSE_SIGN1: u64 = 18;
const HEADER_ALG: i64 = 1;
const HEADER_KID: i64 = 4;
const ALG_EDDSA: i64 = -8;

/// A message whose topic and envelope are well formed. Nothing of it is believed yet.
#[derive(Debug, Clone)]
pub struct SignedEnvelope<'a> {
    topic: Topic,
    bytes: &'a [u8],
    content: Content<'a>,
}

/// The parts of an envelope.
#[derive(Debug, Clone)]
pub(crate) struct Content<'a> {
    protected: &'a [u8],
    kid: &'a [u8],
    pub(crate) payload: &'a [u8],
    signature: Signature,
}

impl<'a> SignedEnvelope<'a> {
    /// Takes a message apart: E06, then E01 of topic and envelope. The payload is not looked into.
    pub fn open(topic: &str, bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(Refusal::silent(Code::E06, "envelope over 256 KiB"));
        }
        let topic = Topic::parse(topic)?;
        let content = Content::read(bytes)
            .map_err(|malformed| Refusal::silent(Code::E01, format!("envelope: {malformed}")))?;
        Ok(Self { topic, bytes, content })
    }

    /// Where it was published.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The name of the key that it says it is signed with.
    pub fn kid(&self) -> &'a [u8] {
        self.content.kid
    }

    /// What is signed.
    pub fn payload(&self) -> &'a [u8] {
        self.content.payload
    }

    /// SHA-256 of the envelope.
    pub fn digest(&self) -> Digest {
        digest(self.bytes)
    }

    /// Whether it was signed with this key for this topic, strictly: no second signature of the same
    /// message passes, nor a key of small order.
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        let Content { protected, payload, signature, .. } = &self.content;
        key.verify_strict(&to_be_signed(&self.topic, protected, payload), signature).is_ok()
    }

    /// SHA-256 of all that the answer of [`Self::is_signed_by`] follows from: key, topic and bytes.
    pub fn proof(&self, key: &VerifyingKey) -> Digest {
        let topic = self.topic.to_string();
        let hash = Sha256::new_with_prefix(key.as_bytes())
            .chain_update((topic.len() as u64).to_be_bytes())
            .chain_update(topic)
            .chain_update(self.bytes);
        Digest(hash.finalize().into())
    }
}

impl<'a> Content<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.enter_tag(COSE_SIGN1).map_err(|e| e.of("tag 18"))?;
        if reader.enter_array().map_err(|e| e.of("COSE_Sign1"))? != 4 {
            return Err(Malformed::new("COSE_Sign1 has four parts"));
        }
        let protected = reader.bytes().map_err(|e| e.of("protected header"))?;
        let unprotected =
            |reader: &mut Reader<'a>| reader.map(Reader::int, |_, _| Err(Malformed::new("not empty")));
        unprotected(&mut reader).map_err(|e| e.of("unprotected header"))?;
        let payload = reader.bytes().map_err(|e| e.of("payload"))?;
        let signature = reader.bytes().map_err(|e| e.of("signature"))?;
        reader.end()?;
        Ok(Self {
            protected,
            kid: read_protected(protected).map_err(|e| e.of("protected header"))?,
            payload,
            signature: Signature::from_slice(signature)
                .map_err(|_| Malformed::new("signature is not of 64 bytes"))?,
        })
    }
}

/// The `kid` of a protected header that holds exactly the algorithm and it.
fn read_protected(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(bytes);
    let (mut alg, mut kid) = (None, None);
    reader.map(Reader::int, |label, reader| {
        match label {
            HEADER_ALG => alg = Some(reader.int()?),
            HEADER_KID => kid = Some(reader.bytes()?),
            _ => return Err(Malformed::new("a label other than alg and kid")),
        }
        Ok(())
    })?;
    reader.end()?;
    match (alg, kid) {
        (Some(ALG_EDDSA), Some(kid)) => Ok(kid),
        (Some(ALG_EDDSA), None) => Err(Malformed::new("no kid")),
        _ => Err(Malformed::new("alg is not EdDSA (-8)")),
    }
}

/// `Sig_structure` of RFC 9052 §4.4, with the topic as `external_aad`.
fn to_be_signed(topic: &Topic, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    Writer::encode(|w| {
        w.array(4);
        w.text("Signature1");
        w.bytes(protected);
        w.bytes(topic.to_string().as_bytes());
        w.bytes(payload);
    })
}

/// SHA-256 of an envelope as it is sent: what the next report names as `prev`, and a receipt as `digest`.
pub fn digest(envelope: &[u8]) -> Digest {
    Digest(Sha256::digest(envelope).into())
}

/// The envelope of a payload, signed for a topic with the key that `kid` names: a device's id, or the name
/// of a key of the centre.
pub fn sign(topic: &Topic, kid: &str, payload: &[u8], key: &SigningKey) -> Vec<u8> {
    let protected = Writer::encode(|w| {
        w.map(|header| {
            header.int(HEADER_ALG, |w| w.int(ALG_EDDSA));
            header.int(HEADER_KID, |w| w.bytes(kid.as_bytes()));
        })
    });
    let signature = key.sign(&to_be_signed(topic, &protected, payload));
    Writer::encode(|w| {
        w.tag(COSE_SIGN1);
        w.array(4);
        w.bytes(&protected);
        w.map(|_| {});
        w.bytes(payload);
        w.bytes(&signature.to_bytes());
    })
}
