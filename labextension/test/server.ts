// A real HTTP server that answers as a test says, and keeps what it was asked.

import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Event } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';
import { Stream } from '@lumino/signaling';

import { ControlApi } from '../src/api';

const API = '/user/al/first/api/';

/** Answers a request whose line is its method, its path below the control API, and its body. */
export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  line: string
) => void;

export interface IServed {
  api: ControlApi;
  stream: Stream<Event.IManager, Event.Emission>;
  /** The lines of the requests, in their order. */
  asked: string[];
}

/** Runs a body with a server for its time. */
export async function withServer(
  answer: Answer,
  body: (served: IServed) => Promise<void>
): Promise<void> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', chunk => (text += chunk));
    request.on('end', () => {
      // Jupyter adds the time to each address, against caches.
      const path = request.url?.replace(/[?&]\d+$/, '').replace(API, '');
      const line = [request.method, path, text].filter(Boolean).join(' ');
      asked.push(line);
      answer(request, response, line);
    });
  });
  await new Promise<void>(listening =>
    server.listen(0, '127.0.0.1', listening)
  );
  const { port } = server.address() as AddressInfo;
  const settings = ServerConnection.makeSettings({
    baseUrl: `http://127.0.0.1:${port}/user/al/`
  });
  const stream = new Stream<Event.IManager, Event.Emission>(
    {} as Event.IManager
  );
  try {
    await body({ api: new ControlApi(settings), stream, asked });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export const asJson =
  (status: number, body: unknown): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
