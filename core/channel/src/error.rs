/// Why a channel stopped. After any of these the channel is finished and a new one has to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The handshake did not verify: the other side holds another secret, belongs to another team, or bytes
    /// were changed on the way. Which of these it was cannot be told, by us or by an attacker.
    #[error("the other side could not be verified")]
    Refused,
    /// The first byte asks for something that is not offered here.
    #[error("purpose {0} is not offered here")]
    Purpose(u8),
    /// A message inside an established channel was changed, repeated, reordered or left out.
    #[error("a message was altered on the way")]
    Altered,
    /// A message, frame or payload is longer than its limit, or more offers were made than can be tried.
    #[error("longer than the limit")]
    TooLarge,
    /// Bytes that verified but do not have the form they must have.
    #[error("malformed message")]
    Malformed,
    /// A call or a message that does not belong to this step.
    #[error("out of order")]
    OutOfOrder,
    /// The channel failed before and takes nothing more.
    #[error("the channel is closed")]
    Closed,
    /// A cryptographic primitive is missing from this build.
    #[error("a cryptographic primitive is missing from this build")]
    Unsupported,
}
