"""The permissions on amqtt, the same as `broker.ACCESS` for mosquitto: everyone listens, only servers publish."""

import hmac
import os

from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from cl_server.stack.broker import SERVER, VARIABLE


class Password(BaseAuthPlugin):
    """The user of the servers needs its password. There are no other users.

    Only servers can have a last will, because it is a message, and amqtt doesn't check it with `ServersTell`.
    """

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._password = os.environ[VARIABLE].encode()

    async def authenticate(self, *, session: Session) -> bool:
        """Whether a session is permitted."""
        if session.username == SERVER:
            return hmac.compare_digest((session.password or "").encode(), self._password)
        return not session.username and not session.will_flag


class ServersTell(BaseTopicPlugin):
    """Messages of others are acknowledged, as MQTT 3.1.1 requires (§3.3.5), and discarded."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Whether a message is delivered."""
        del topic
        return action is not Action.PUBLISH or (session is not None and session.username == SERVER)
