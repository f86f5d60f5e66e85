"""An app with a table of users of its own: authkit keeps identities and tokens by their ids."""

from html import escape

import zope.sqlalchemy
from pyramid.config import Configurator
from pyramid.response import Response
from sqlalchemy import Text, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker


class Base(DeclarativeBase):
    """The app's own tables."""


class User(Base):
    """Somebody who uses the app."""

    __tablename__ = "users"
    __table_args__ = {"sqlite_autoincrement": True}  # an id is never used again: cookies name it
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)


def user_for(request, login):
    """Return the id of the user who signs in for the first time. User and identity are committed together."""
    user = User(name=login.profile.display_name or "somebody")
    request.dbsession.add(user)
    request.dbsession.flush()
    return user.id


def home(request):
    userid = request.authenticated_userid
    if userid is None:
        return Response('<a href="/auth/tiktok">Continue with TikTok</a>')
    user = request.dbsession.get(User, int(userid))
    return Response(f'Hello, {escape(user.name)}, number {user.id}. <a href="/auth/accounts">Connected accounts</a>')


def main(global_config, **settings):
    engine = create_engine(settings["authkit.accounts.database"])
    new_session = sessionmaker(engine)

    def dbsession(request):
        session = new_session()
        zope.sqlalchemy.register(session, transaction_manager=request.tm)
        return session

    with Configurator(settings={"tm.manager_hook": "pyramid_tm.explicit_manager", **settings}) as config:
        config.include("pyramid_tm")
        config.include("authkit.pyramid.accounts")
        config.set_authkit_user_for(user_for, session=lambda request: request.dbsession)
        config.add_request_method(dbsession, reify=True)
        config.add_route("home", "/")
        config.add_view(home, route_name="home")
    app = config.make_wsgi_app()
    app.registry["engine"] = engine
    return app
