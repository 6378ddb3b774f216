//! The messages of containerd's content service, as far as BuildKit asks a session for them.
//!
//! Wire-compatible with `containerd.services.content.v1`. Times and labels are left out: a directory
//! of blobs has none, and clients take their absence.

use prost::bytes::Bytes;

/// Asks what is known of a blob.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct InfoRequest {
    #[prost(string, tag = "1")]
    pub(super) digest: String,
}

/// The answer.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct InfoResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) info: Option<Info>,
}

/// What is known of a blob.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Info {
    #[prost(string, tag = "1")]
    pub(super) digest: String,
    #[prost(int64, tag = "2")]
    pub(super) size: i64,
}

/// Asks for a part of a blob; for the rest of it when the size is zero.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReadRequest {
    #[prost(string, tag = "1")]
    pub(super) digest: String,
    #[prost(int64, tag = "2")]
    pub(super) offset: i64,
    #[prost(int64, tag = "3")]
    pub(super) size: i64,
}

/// A piece of the answer.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReadResponse {
    #[prost(int64, tag = "1")]
    pub(super) offset: i64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) data: Bytes,
}

/// Asks how far an earlier call wrote, or throws away what it wrote.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Reference {
    #[prost(string, tag = "1")]
    pub(super) reference: String,
}

/// How far a call wrote. Never sent: what a call leaves behind goes with it.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StatusResponse {}

/// What a message of a writing call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Action {
    /// Tell how far it is.
    Stat = 0,
    /// Write the data.
    Write = 1,
    /// Write the data, and that was all: the blob may appear.
    Commit = 2,
}

/// A step of writing a blob.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WriteRequest {
    #[prost(enumeration = "Action", tag = "1")]
    pub(super) action: i32,
    #[prost(string, tag = "2")]
    pub(super) reference: String,
    /// The blob's size; zero when it is not known.
    #[prost(int64, tag = "3")]
    pub(super) total: i64,
    /// The blob's digest; empty when it is not known.
    #[prost(string, tag = "4")]
    pub(super) expected: String,
    #[prost(int64, tag = "5")]
    pub(super) offset: i64,
    #[prost(bytes = "bytes", tag = "6")]
    pub(super) data: Bytes,
}

/// How far it is after a step.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WriteResponse {
    #[prost(enumeration = "Action", tag = "1")]
    pub(super) action: i32,
    #[prost(int64, tag = "4")]
    pub(super) offset: i64,
    #[prost(int64, tag = "5")]
    pub(super) total: i64,
    /// Of all that was written so far.
    #[prost(string, tag = "6")]
    pub(super) digest: String,
}
