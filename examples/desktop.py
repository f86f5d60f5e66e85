"""Sign in with TikTok from a program on a desktop, or from a command line.

The key and the secret come from the environment: AUTHKIT_TIKTOK_CLIENT_KEY, AUTHKIT_TIKTOK_CLIENT_SECRET.
"""

from authkit.errors import AuthkitError
from authkit.native.desktop import desktop_kit
from authkit.native.loopback import login


def main():
    try:
        done = login(desktop_kit("tiktok"), "tiktok")
    except AuthkitError as error:
        raise SystemExit(f"{error.message} ({error})") from error
    print(f"Hello, {done.profile.display_name}. To this program you are {done.identity.key}.")


if __name__ == "__main__":
    main()
