//! What a gRPC service is to a server, for those whose messages are written by hand here.

use std::convert::Infallible;
use std::future::Future;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;

/// The methods of a service.
pub(super) trait Methods: Clone + Send + Sync + 'static {
    /// The full name of the service.
    const NAME: &'static str;

    /// Answers a call of `method`, as it stands in the request's path.
    fn answer(
        self,
        method: &str,
        request: Request<Body>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// A service that a server can have.
#[derive(Clone)]
pub(super) struct Served<M>(pub(super) M);

impl<M: Methods> NamedService for Served<M> {
    const NAME: &'static str = M::NAME;
}

impl<M: Methods> tower_service::Service<Request<Body>> for Served<M> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let methods = self.0.clone();
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let method = path.rsplit('/').next().unwrap_or_default();
            Ok(methods.answer(method, request).await)
        })
    }
}
