//! The device protocol on the wire: topics, COSE envelopes, CBOR payloads, signing and strict verification.
