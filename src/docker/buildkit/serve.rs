//! The services of a session, and what one is whose messages are written by hand here.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;

type Answer = BoxFuture<'static, Result<Response<Body>, Infallible>>;

type Call = Box<dyn Fn(Request<Body>) -> Answer + Send + Sync>;

/// Services by name. A call's path is `/NAME/METHOD`.
#[derive(Default)]
pub(super) struct Services(HashMap<&'static str, Call>);

impl Services {
    /// The same with one more. It must be one that is ready at any time, as those are that tonic writes.
    pub(super) fn with<S>(mut self, service: S) -> Self
    where
        S: tower_service::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let call = move |request| -> Answer { Box::pin(service.clone().call(request)) };
        self.0.insert(S::NAME, Box::new(call));
        self
    }
}

impl hyper::service::Service<Request<Incoming>> for Services {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let name = request.uri().path().split('/').nth(1).unwrap_or_default();
        match self.0.get(name) {
            Some(service) => service(request.map(Body::new)),
            None => Box::pin(async { Ok(Status::unimplemented("").into_http()) }),
        }
    }
}

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
    type Future = Answer;

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
