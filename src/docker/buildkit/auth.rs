//! The credentials service: who we are at a registry.
//!
//! Not knowing is an empty answer, never an error: an error would end a build that needs nobody. And
//! `GetTokenAuthority` says unavailable, which makes the engine fetch tokens itself with what it is
//! told here, and remember them for this session.

use std::sync::Arc;

use bollard_buildkit_proto::moby::filesync::v1::auth_server::Auth;
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse,
    GetTokenAuthorityRequest, GetTokenAuthorityResponse, VerifyTokenAuthorityRequest,
    VerifyTokenAuthorityResponse,
};
use tonic::{Request, Response, Status};

use crate::docker::credentials::{Credentials, Login};
use crate::failure::{Class, Failure};

/// Answers for the user of the docker configuration.
pub(super) struct User(pub(super) Arc<Credentials>);

#[tonic::async_trait]
impl Auth for User {
    async fn credentials(
        &self,
        request: Request<CredentialsRequest>,
    ) -> Result<Response<CredentialsResponse>, Status> {
        let host = request.into_inner().host;
        let (username, secret) = match self.0.of(&host).await {
            Login::Anonymous => (String::new(), String::new()),
            Login::Password { user, password } => (user, password.reveal().to_owned()),
            // A secret without a user is an identity token to BuildKit.
            Login::Identity(token) => (String::new(), token.reveal().to_owned()),
            Login::Token(_) => {
                self.0.trouble(&host, no_ready_tokens(&host));
                (String::new(), String::new())
            }
        };
        Ok(Response::new(CredentialsResponse { username, secret }))
    }

    async fn fetch_token(
        &self,
        _: Request<FetchTokenRequest>,
    ) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unavailable("tokens are fetched by the engine"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unavailable("tokens are fetched by the engine"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unavailable("tokens are fetched by the engine"))
    }
}

/// BuildKit takes a ready token only from a client that fetches all others too.
fn no_ready_tokens(host: &str) -> Failure {
    Failure::new(
        Class::RegistryDenied,
        format!(
            "the `registrytoken` of `{host}` cannot be given to BuildKit, which fetches its tokens itself"
        ),
    )
    .hint(format!("log in with a password or an identity token: docker login {host}"))
}
