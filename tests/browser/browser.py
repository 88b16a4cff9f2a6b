# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, led over its debugging protocol with nothing but the standard library."""
import base64
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
import zlib

SECONDS = 120  # for one answer; a software renderer on a busy machine is slow


def find_chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    return None


class WebSocket:
    """The client's side of RFC 6455, as far as the debugging protocol needs it."""

    def __init__(self, url):
        host_port, path = url[len("ws://"):].split("/", 1)
        host, port = host_port.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=SECONDS)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /{path} HTTP/1.1\r\nHost: {host_port}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._some()
        head, self.buffer = head.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.split(b"\r\n")[0], head

    def _some(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the browser has ended")
        return data

    def _exactly(self, count):
        while len(self.buffer) < count:
            self.buffer += self._some()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def send(self, text):
        data = text.encode()
        head = b"\x81"
        if len(data) < 126:
            head += struct.pack("!B", 0x80 | len(data))
        elif len(data) < 65536:
            head += struct.pack("!BH", 0xFE, len(data))
        else:
            head += struct.pack("!BQ", 0xFF, len(data))
        self.socket.sendall(head + b"\0\0\0\0" + data)  # masked with zeros

    def receive(self):
        message = b""
        while True:
            first, second = self._exactly(2)
            length = second & 127
            if length == 126:
                length, = struct.unpack("!H", self._exactly(2))
            elif length == 127:
                length, = struct.unpack("!Q", self._exactly(8))
            data = self._exactly(length)
            if first & 15 in (0, 1, 2):
                message += data
                if first & 128:
                    return message.decode()
            elif first & 15 == 8:
                raise ConnectionError("the browser has closed the connection")


class Browser:
    """with Browser() as browser: browser.open(url); browser.run("1 + 1")"""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            [find_chromium(), "--headless=new", "--no-sandbox", "--disable-gpu-sandbox",
             "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
             "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars", "--mute-audio",
             "--disable-background-networking", "--disable-component-update",
             "--force-color-profile=srgb", "--window-size=1000,700",
             "--remote-debugging-port=0", f"--user-data-dir={self.profile.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.log = []
        self.next_id = 0
        port_file = os.path.join(self.profile.name, "DevToolsActivePort")
        end = time.time() + SECONDS
        while not os.path.exists(port_file) or os.path.getsize(port_file) == 0:
            if self.process.poll() is not None or time.time() > end:
                raise RuntimeError("Chromium does not start")
            time.sleep(0.05)
        with open(port_file) as file:
            port = file.readline().strip()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=SECONDS) as reply:
            page = next(p for p in json.load(reply) if p["type"] == "page")
        self.socket = WebSocket(page["webSocketDebuggerUrl"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.profile.cleanup()

    def call(self, method, **parameters):
        self.next_id += 1
        self.socket.send(json.dumps({"id": self.next_id, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") == self.next_id:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, message):
        """Keeps what goes wrong in the page."""
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.log.append(json.dumps(parameters["exceptionDetails"])[:2000])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.log.append(parameters["entry"]["text"] + " " + parameters["entry"].get("url", ""))
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def open(self, url):
        self.requests = []
        self.call("Page.navigate", url=url)
        self.wait_for("globalThis.viewer && (viewer.shown !== null || viewer.still)")

    def leave(self):
        """Ends the page, so that it asks its server for nothing more."""
        self.call("Page.navigate", url="about:blank")
        self.wait_for("location.href === 'about:blank'")

    def leave(self):
        """Ends the page, so that it asks its server for nothing more."""
        self.call("Page.navigate", url="about:blank")
        self.wait_for("location.href === 'about:blank'")

    def run(self, expression):
        """The value of a JavaScript expression, also of what a promise brings."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:2000])
        return result["result"].get("value")

    def wait_for(self, condition):
        end = time.time() + SECONDS
        while not self.run(f"Boolean({condition})"):
            if time.time() > end:
                text = self.run("document.getElementById('message').textContent")
                raise RuntimeError(f"waited in vain for {condition}; page: {text}; {self.log}")
            time.sleep(0.05)

    def canvas(self):
        """Width, height and RGB bytes of what the viewer draws."""
        url = self.run("""viewer.picture().then((blob) => new Promise((resolve) => {
            const reader = new FileReader();
            reader.onload = () => resolve(reader.result);
            reader.readAsDataURL(blob); }))""")
        return read_png(base64.b64decode(url.split(",", 1)[1]))

    def screenshot(self):
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])


def read_png(data):
    """Width, height and RGB bytes of a PNG with 8 bits of RGB or RGBA."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack("!I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, bits, color = struct.unpack("!IIBB", body[:10])
            assert bits == 8 and color in (2, 6), (bits, color)
            channels = 3 if color == 2 else 4
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    raw = zlib.decompress(packed)
    stride = width * channels
    above, pixels = bytearray(stride), bytearray()
    for y in range(height):
        kind = raw[y * (stride + 1)]
        row = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left = row[i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            if kind == 1:
                row[i] = row[i] + left & 255
            elif kind == 2:
                row[i] = row[i] + above[i] & 255
            elif kind == 3:
                row[i] = row[i] + (left + above[i]) // 2 & 255
            elif kind == 4:
                estimate = left + above[i] - corner
                distances = [abs(estimate - left), abs(estimate - above[i]), abs(estimate - corner)]
                best = (left, above[i], corner)[distances.index(min(distances))]
                row[i] = row[i] + best & 255
        above = row
        for x in range(width):
            pixels += row[channels * x:channels * x + 3]
    return width, height, bytes(pixels)
