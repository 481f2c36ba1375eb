"""The bare loop's far end, a process of its own: take a message, insert it, notify, commit.

    python -m bench.loop PORT DATABASE

It subscribes to `bench/in`, says `ready` on its first line and ends when its input does.
"""

import sys
import threading
from typing import Any

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

TOPIC = "bench/in"
CHANNEL = "bench_out"


def main(port: int, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bench_loop (id bigserial PRIMARY KEY, body bytea NOT NULL)"
        )
        connection.commit()
        ready = threading.Event()

        def insert(_client: Client, _data: Any, message: MQTTMessage) -> None:
            body = bytes(message.payload)
            connection.execute("INSERT INTO bench_loop (body) VALUES (%b)", (body,))
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, body[:16].decode("ascii")))
            connection.commit()

        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_message = insert
        client.on_subscribe = lambda *_: ready.set()
        client.connect("127.0.0.1", port)
        client.loop_start()
        client.subscribe(TOPIC, qos=1)
        if not ready.wait(10):
            raise TimeoutError("the broker does not answer a subscription")
        print("ready", flush=True)
        sys.stdin.read()
        client.disconnect()
        client.loop_stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
