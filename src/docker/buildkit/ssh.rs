//! The SSH service: agents of this machine, for the steps that mount them.
//!
//! ```text
//! RUN --mount=type=ssh ─ socket ─ engine ── ForwardAgent ──> one request at a time ──> agent's socket
//! ```
//!
//! A step may ask an agent which keys it has and let it sign, and nothing else: it can neither add
//! nor remove keys, nor lock the agent, nor use an extension of one. Everything else is answered with
//! a failure here and never reaches the agent. The protocol is `draft-ietf-sshm-ssh-agent`: each
//! request has one answer, both are a length of four bytes, a byte that says what it is, and the rest.

mod keys;

use std::io;
use std::path::PathBuf;

use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::Ssh;
use bollard_buildkit_proto::moby::sshforward::v1::{
    BytesMessage, CheckAgentRequest, CheckAgentResponse,
};
use futures_util::stream::BoxStream;
use indexmap::IndexMap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tonic::{Request, Response, Status, Streaming};

use crate::docker::host::Address;
use crate::docker::http::{self, BoxStream as Connection};
use crate::docker::spec::SshAgent;
use crate::failure::Failure;
pub(super) use keys::KeyAgent;

/// The calls of this service.
pub(super) const METHODS: [&str; 2] = [
    "/moby.sshforward.v1.SSH/CheckAgent",
    "/moby.sshforward.v1.SSH/ForwardAgent",
];

/// The header of a call that says which agent it is about.
const ID: &str = "buildkit.ssh.id";
/// The agent of a mount without an id.
const DEFAULT: &str = "default";

/// What a request begins with that asks for the keys.
const LIST: u8 = 11;
/// What one begins with that asks for a signature.
const SIGN: u8 = 13;
/// An answer that says no.
const FAILURE: [u8; 5] = [0, 0, 0, 1, 5];
/// The largest message that OpenSSH's agent takes or gives.
const LARGEST: usize = 256 << 10;

/// The sockets of the agents of one build, by id.
#[derive(Debug)]
pub(super) struct Agents(IndexMap<String, PathBuf>);

impl Agents {
    /// Those that a build declares, and those among them that were started for keys in files: they
    /// end when they are dropped.
    ///
    /// # Errors
    /// [`crate::failure::Class::SshMissing`] when a key cannot be given to an agent.
    pub(super) async fn start(
        declared: &IndexMap<String, SshAgent>,
    ) -> Result<(Self, Vec<KeyAgent>), Failure> {
        let mut sockets = IndexMap::new();
        let mut started = Vec::new();
        for (id, agent) in declared {
            let socket = match agent {
                SshAgent::Socket(path) => path.clone(),
                SshAgent::Keys(paths) => {
                    let agent = KeyAgent::start(paths).await?;
                    let socket = agent.socket().to_owned();
                    started.push(agent);
                    socket
                }
            };
            sockets.insert(id.clone(), socket);
        }
        Ok((Self(sockets), started))
    }

    fn find(&self, id: &str) -> Result<&PathBuf, Status> {
        let id = if id.is_empty() { DEFAULT } else { id };
        self.0.get(id).ok_or_else(|| {
            // Engines put every code but this one before the words.
            Status::unknown(format!("no SSH key \"{id}\" forwarded from the client"))
        })
    }
}

#[tonic::async_trait]
impl Ssh for Agents {
    async fn check_agent(
        &self,
        request: Request<CheckAgentRequest>,
    ) -> Result<Response<CheckAgentResponse>, Status> {
        self.find(&request.into_inner().id)?;
        Ok(Response::new(CheckAgentResponse {}))
    }

    type ForwardAgentStream = BoxStream<'static, Result<BytesMessage, Status>>;

    async fn forward_agent(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        let id = request.metadata().get(ID).map(|id| id.to_str());
        let id = id
            .transpose()
            .map_err(|_| Status::invalid_argument("an id that is no text"))?;
        let address = Address::Unix(self.find(id.unwrap_or_default())?.clone());
        let agent = http::connect(&address).await.map_err(|error| {
            Status::unavailable(format!("the SSH agent does not answer: {error}"))
        })?;
        let conversation = Conversation {
            requests: request.into_inner(),
            read: Vec::new(),
            agent,
        };
        // No task of its own: it ends with the call that it answers.
        let answers = futures_util::stream::try_unfold(conversation, |mut conversation| async {
            let answer = conversation.next().await?;
            Ok(answer.map(|data| (BytesMessage { data }, conversation)))
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

/// What one process inside a build says to an agent.
struct Conversation {
    requests: Streaming<BytesMessage>,
    /// What was read of requests and not yet answered.
    read: Vec<u8>,
    agent: Connection,
}

impl Conversation {
    /// The answer to the next request; nothing when there is none.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Status> {
        loop {
            if let Some(request) = take(&mut self.read)? {
                let answer = answer(&mut self.agent, &request).await;
                return answer.map(Some).map_err(|error| {
                    Status::unavailable(format!("the SSH agent does not answer: {error}"))
                });
            }
            match self.requests.message().await? {
                Some(message) => self.read.extend_from_slice(&message.data),
                None => return Ok(None),
            }
        }
    }
}

/// Takes the first message off `read`; nothing when it is not all there yet.
fn take(read: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Status> {
    let Some(length) = read.first_chunk().map(|length| u32::from_be_bytes(*length)) else {
        return Ok(None);
    };
    let end = usize::try_from(length)
        .unwrap_or(usize::MAX)
        .saturating_add(4);
    if end > LARGEST {
        return Err(Status::invalid_argument(
            "too large a request to an SSH agent",
        ));
    }
    if read.len() < end {
        return Ok(None);
    }
    let rest = read.split_off(end);
    Ok(Some(std::mem::replace(read, rest)))
}

/// What `agent` says to a request that a build may make; to all others the answer is no.
async fn answer<S>(agent: &mut S, request: &[u8]) -> io::Result<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if !matches!(request.get(4), Some(&(LIST | SIGN))) {
        return Ok(FAILURE.to_vec());
    }
    agent.write_all(request).await?;
    agent.flush().await?;
    let mut head = [0; 4];
    agent.read_exact(&mut head).await?;
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length > LARGEST {
        return Err(io::Error::other("too large an answer"));
    }
    let mut answer = head.to_vec();
    answer.resize(head.len() + length, 0);
    agent.read_exact(&mut answer[head.len()..]).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_however_they_arrive() {
        let mut read = Vec::new();
        let mut taken = Vec::new();
        for byte in [0, 0, 0, 1, LIST, 0, 0, 0, 3, SIGN, 7, 8, 0, 0] {
            read.push(byte);
            taken.extend(take(&mut read).expect("small"));
        }
        assert_eq!(
            taken,
            [vec![0, 0, 0, 1, LIST], vec![0, 0, 0, 3, SIGN, 7, 8]]
        );
        assert_eq!(read, [0, 0], "the next is kept");
        read = vec![0xff; 4];
        assert!(take(&mut read).is_err(), "it is not waited for");
    }

    #[tokio::test]
    async fn an_agent_lists_and_signs_and_is_asked_nothing_else() {
        let (mut ours, mut agent) = tokio::io::duplex(1024);
        let behind = tokio::spawn(async move {
            let mut asked = Vec::new();
            let mut request = [0; 5];
            while agent.read_exact(&mut request).await.is_ok() {
                asked.push(request[4]);
                agent
                    .write_all(&[0, 0, 0, 2, 12, request[4]])
                    .await
                    .expect("answered");
            }
            asked
        });
        for kind in 0..=u8::MAX {
            let told = answer(&mut ours, &[0, 0, 0, 1, kind])
                .await
                .expect("an answer");
            if [LIST, SIGN].contains(&kind) {
                assert_eq!(told, [0, 0, 0, 2, 12, kind]);
            } else {
                assert_eq!(told, FAILURE, "{kind}");
            }
        }
        assert_eq!(
            answer(&mut ours, &[0; 4]).await.expect("an answer"),
            FAILURE
        );
        drop(ours);
        assert_eq!(behind.await.expect("no panic"), [LIST, SIGN]);
    }
}
