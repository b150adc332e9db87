// The federation against a real HTTP server that counts what it is asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Federation } from '../src/federation';
import { catalog } from './samples';
import { asJson, withServer } from './server';
import type { Answer, IServed } from './server';

/** Runs a body with a federation whose server answers as told. */
const withFederation = (
  answer: Answer,
  body: (federation: Federation, served: IServed) => Promise<void>
): Promise<void> =>
  withServer(answer, async served => {
    const federation = new Federation(served.api, served.stream);
    await body(federation, served).finally(() => federation.dispose());
  });

const MODELS = 'GET models?no_track_activity=1';

test('a catalog is fetched under the base URL and tells the current choice', () =>
  withFederation(asJson(200, catalog()), async (federation, { asked }) => {
    await federation.refresh();
    assert.equal(federation.availability, 'ready');
    assert.equal(
      federation.current?.value,
      'HuggingFaceTB/SmolLM2-135M-Instruct'
    );
    assert.deepEqual(asked, [MODELS]);
  }));

test('many events at once are answered by two requests, other events by none', () =>
  withFederation(
    asJson(200, catalog()),
    async (federation, { stream, asked }) => {
      const emit = (schema_id: string): void => stream.emit({ schema_id });
      emit('https://events.jupyter.org/jupyter_server/kernel_actions/v1');
      assert.deepEqual(asked, []);
      for (let count = 0; count < 5; count++) {
        emit('https://first-jupyter.org/events/model-state/v1');
      }
      await federation.refresh();
      assert.deepEqual(asked, [MODELS, MODELS]);
    }
  ));

test('a server without the extension is told from one that knows no such model', async () => {
  const page: Answer = (_, response) => {
    response.writeHead(404, { 'content-type': 'text/html' });
    response.end('<h1>404</h1>');
  };
  await withFederation(page, async federation => {
    await federation.refresh();
    assert.equal(federation.availability, 'missing');
  });
  const unknown = { error: { message: 'There is no model “gpt”.' } };
  await withFederation(asJson(404, unknown), async federation => {
    await assert.rejects(federation.choose('gpt'), /There is no model “gpt”/);
  });
});

test('a server that does not answer is unreachable', () =>
  withFederation(
    request => request.socket.destroy(),
    async federation => {
      await federation.refresh();
      assert.equal(federation.availability, 'unreachable');
    }
  ));

test('choosing, starting and stopping send the model', () =>
  withFederation(asJson(200, catalog()), async (federation, { asked }) => {
    await federation.choose('smollm2');
    await federation.start('llama', 'sophia');
    await federation.stop('llama');
    assert.deepEqual(
      asked.filter(line => line !== MODELS),
      [
        'PUT current {"model":"smollm2"}',
        'POST models/start {"model":"llama","cluster":"sophia"}',
        'POST models/stop {"model":"llama"}'
      ]
    );
  }));
