//! Authenticates device messages, records them, and answers with receipts.
