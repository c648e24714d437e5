"""Who may do what on amqtt, as `broker.ACCESS` says it for mosquitto: everybody listens, only the servers tell."""

import hmac
import os

from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from cl_server.stack.broker import SERVER, VARIABLE


class Password(BaseAuthPlugin):
    """Whoever says that they are the server has to know its password; another user there is not.

    Nobody else may leave a last will: it is a message, and amqtt does not ask `ServersTell` about it.
    """

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._password = os.environ[VARIABLE].encode()

    async def authenticate(self, *, session: Session) -> bool:
        """Whether a session may begin."""
        if session.username == SERVER:
            return hmac.compare_digest((session.password or "").encode(), self._password)
        return not session.username and not session.will_flag


class ServersTell(BaseTopicPlugin):
    """What anybody else publishes is acknowledged, as MQTT 3.1.1 wants it (§3.3.5), and nobody hears it."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Whether a message may go on its way."""
        del topic
        return action is not Action.PUBLISH or (session is not None and session.username == SERVER)
