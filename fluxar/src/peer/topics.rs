//! Publishing and subscribing with the types of a contract.

use crate::engine::event::PublishOptions;
use crate::error::Status;
use crate::peer::{Events, Peer};
use crate::service::topic::Topic;
use futures_core::Stream;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Publishes on the paths of a topic.
#[derive(Debug)]
pub struct Publisher<T> {
    peer: Peer,
    topic: PhantomData<fn() -> T>,
}

impl<T> Clone for Publisher<T> {
    fn clone(&self) -> Self {
        Self { peer: self.peer.clone(), topic: PhantomData }
    }
}

impl<T: Topic> Publisher<T> {
    /// Publishes at this peer.
    #[must_use]
    pub fn new(peer: &Peer) -> Self {
        Self { peer: peer.clone(), topic: PhantomData }
    }

    /// Publishes a value on the path that `at` names.
    ///
    /// Waits while too much waits for the link. Cancel safe.
    ///
    /// # Errors
    /// `invalid_argument` when a part of the path is empty or the value breaks a constraint; and
    /// as [`Peer::publish`].
    pub async fn publish(&self, at: &T, value: &T::Value) -> Result<(), Status> {
        self.publish_with(at, value, PublishOptions::new()).await
    }

    /// Publishes with options. A topic that is retained by its contract is so whatever they say.
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub async fn publish_with(
        &self,
        at: &T,
        value: &T::Value,
        options: PublishOptions,
    ) -> Result<(), Status> {
        let retain = T::RETAIN || options.retain;
        self.peer.publish_with(&at.path()?, value, &options.retain(retain)).await
    }
}

/// The events of a topic: where, and what. Dropping it unsubscribes.
#[derive(Debug)]
pub struct TopicEvents<T> {
    events: Events,
    topic: PhantomData<fn() -> T>,
}

impl<T: Topic> TopicEvents<T> {
    /// Subscribes to a pattern of the topic's paths.
    ///
    /// # Errors
    /// As [`Peer::subscribe`].
    pub async fn open(
        peer: &Peer,
        pattern: &str,
        with: crate::SubscribeWith,
    ) -> Result<Self, Status> {
        Ok(Self { events: peer.events_with(pattern, with).await?, topic: PhantomData })
    }

    /// The next event; `None` at the end. An event that is none of the contract's is an error, and
    /// not the end. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<(T, T::Value), Status>> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(T, T::Value), Status>>> {
        let message = std::task::ready!(Pin::new(&mut self.events).poll_next(cx));
        Poll::Ready(message.map(|message| {
            let at = T::of_path(message.topic())?;
            Ok((at, message.payload()?))
        }))
    }
}

impl<T: Topic> Stream for TopicEvents<T> {
    type Item = Result<(T, T::Value), Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}
