"""A wire to the broker that a test can cut."""

import asyncio

import aio_pika


class Wire:
    """The wire to the broker: ``away`` as when the broker is restarted, its durable queues staying as they are."""

    def __init__(self, address):
        self._to = aio_pika.connection.make_url(address)
        self._writers = []
        self._port = 0
        self._server = None

    async def back(self):
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return str(self._to.with_host("127.0.0.1").with_port(self._port))

    async def _carry(self, reader, writer):
        there, back = await asyncio.open_connection(self._to.host, self._to.port or 5672)
        self._writers += [writer, back]

        async def copy(source, sink):
            try:
                while data := await source.read(65_536):
                    sink.write(data)
                    await sink.drain()
            except ConnectionError:
                pass
            sink.close()

        await asyncio.gather(copy(reader, back), copy(there, writer))

    def cut(self):
        for writer in self._writers:
            writer.transport.abort()
        self._writers = []

    async def away(self):
        self._server.close()
        self.cut()
        await self._server.wait_closed()
