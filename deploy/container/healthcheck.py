"""Exit 0 when the web server of this container answers; a redirect to TLS is an answer, too."""

import http.client
import os
import sys

host = os.environ.get("HIGHWAY_HOSTS", "localhost").replace(",", " ").split()[0]
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
try:
    connection.request("GET", "/api/v1/ping", headers={"Host": host, "X-Forwarded-Proto": "https"})
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"no answer: {error}")
sys.exit(0 if status < 400 else f"answered with {status}")
