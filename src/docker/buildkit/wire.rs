//! The packets of a file transfer, with names as bytes.
//!
//! Wire-compatible with `fsutil.types.Packet`, whose fields for paths are declared as strings: a
//! file's name need not be UTF-8, and the engine takes its bytes as they are.

use prost::bytes::Bytes;

/// One packet, in either direction.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Packet {
    #[prost(enumeration = "Kind", tag = "1")]
    pub(super) kind: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) stat: Option<Stat>,
    #[prost(uint32, tag = "3")]
    pub(super) id: u32,
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) data: Bytes,
}

/// What a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Kind {
    /// An entry; without one, the end of them.
    Stat = 0,
    /// The engine wants the content of an entry.
    Request = 1,
    /// Content; without any, its end.
    Data = 2,
    /// The engine has all it wants, and our answer to that.
    Finish = 3,
    /// It went wrong; the data says why.
    Error = 4,
}

/// One entry.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Stat {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) path: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(super) mode: u32,
    #[prost(int64, tag = "5")]
    pub(super) size: i64,
    #[prost(int64, tag = "6")]
    pub(super) modified: i64,
    #[prost(bytes = "vec", tag = "7")]
    pub(super) link: Vec<u8>,
    #[prost(int64, tag = "8")]
    pub(super) major: i64,
    #[prost(int64, tag = "9")]
    pub(super) minor: i64,
    #[prost(message, repeated, tag = "10")]
    pub(super) attributes: Vec<Attribute>,
}

/// One extended attribute: an entry of the map that the protocol declares.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Attribute {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) name: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

impl Packet {
    /// A packet of a kind without anything else.
    pub(super) fn of(kind: Kind) -> Self {
        Self {
            kind: kind.into(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bollard_buildkit_proto::fsutil::types;
    use prost::Message;

    use super::*;

    #[test]
    fn packets_are_those_of_the_protocol() {
        let ours = Packet {
            kind: Kind::Stat.into(),
            stat: Some(Stat {
                path: b"a/b".to_vec(),
                mode: 0o644,
                size: 5,
                modified: -7,
                link: b"a/a".to_vec(),
                major: 1,
                minor: 2,
                attributes: vec![Attribute {
                    name: b"user.x".to_vec(),
                    value: vec![0, 1],
                }],
            }),
            id: 9,
            data: Bytes::from_static(b"z"),
        };
        let theirs = types::Packet {
            r#type: types::packet::PacketType::PacketStat.into(),
            stat: Some(types::Stat {
                path: "a/b".into(),
                mode: 0o644,
                size: 5,
                mod_time: -7,
                linkname: "a/a".into(),
                devmajor: 1,
                devminor: 2,
                xattrs: HashMap::from([("user.x".into(), vec![0, 1])]),
                ..Default::default()
            }),
            id: 9,
            data: b"z".to_vec(),
        };
        assert_eq!(ours.encode_to_vec(), theirs.encode_to_vec());
    }
}
