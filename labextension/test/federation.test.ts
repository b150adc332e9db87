// The federation against a real HTTP server that counts what it is asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Signal } from '@lumino/signaling';

import type { ICatalog } from '../src/api';
import { Federation } from '../src/federation';
import type { IPage } from '../src/page';
import { catalog, offer } from './samples';
import { asJson, withServer } from './server';
import type { Answer, IServed } from './server';

class StandInPage implements IPage {
  hidden = false;
  readonly changed: Signal<IPage, void> = new Signal(this);
}

/** Runs a body with a federation whose server answers as told. */
const withFederation = (
  answer: Answer,
  body: (federation: Federation, served: IServed) => Promise<void>
): Promise<void> =>
  withServer(answer, async served => {
    const federation = new Federation(served.api, served.stream);
    await body(federation, served).finally(() => federation.dispose());
  });

const MODEL_STATE = 'https://first-jupyter.org/events/model-state/v1';
const USAGE = 'https://first-jupyter.org/events/usage/v1';
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

test('while somebody watches, many events at once are answered by two requests, other events by none', () =>
  withFederation(
    asJson(200, catalog()),
    async (federation, { stream, asked }) => {
      const emit = (schema_id: string): void => stream.emit({ schema_id });
      emit(MODEL_STATE);
      assert.deepEqual(asked, [], 'nobody watches');
      federation.watch();
      await federation.refresh();
      asked.length = 0;
      emit('https://events.jupyter.org/jupyter_server/kernel_actions/v1');
      for (let count = 0; count < 5; count++) {
        emit(MODEL_STATE);
      }
      await federation.refresh();
      assert.deepEqual(asked, [MODELS, MODELS]);
    }
  ));

test('requests that were seen under way are looked at again when some have ended', async () => {
  const [some] = catalog().models;
  assert.ok(some);
  const waits = { ...some, clusters: [offer({ waiting: 1 })] };
  let now: ICatalog = { ...catalog(), models: [waits] };
  const answer: Answer = (...asked) => asJson(200, now)(...asked);
  await withFederation(answer, async (federation, { stream, asked }) => {
    federation.watch();
    await federation.refresh();
    now = { ...now, models: [{ ...waits, clusters: [offer()] }] };
    asked.length = 0;
    stream.emit({ schema_id: USAGE });
    await new Promise<void>(told => federation.changed.connect(() => told()));
    assert.deepEqual(asked, [MODELS]);
    assert.equal(federation.current?.offer?.waiting, 0);
    stream.emit({ schema_id: USAGE });
    assert.deepEqual(asked, [MODELS], 'nothing was under way any more');
  });
});

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
    await federation.start('llama', 'sophia', 3600);
    await federation.stop('llama');
    await federation.stop('llama', 'sophia', 'llama-1f2e3d');
    assert.deepEqual(
      asked.filter(line => line !== MODELS),
      [
        'PUT current {"model":"smollm2"}',
        'POST models/start {"model":"llama","cluster":"sophia","hold":3600}',
        'POST models/stop {"model":"llama"}',
        'POST models/stop {"model":"llama","cluster":"sophia","replica":"llama-1f2e3d"}'
      ]
    );
  }));

test('a page that nobody sees asks nothing, and asks once it is seen', () =>
  withServer(asJson(200, catalog()), async ({ api, stream, asked }) => {
    const page = new StandInPage();
    page.hidden = true;
    const federation = new Federation(api, stream, page);
    federation.watch();
    stream.emit({ schema_id: MODEL_STATE });
    page.changed.emit();
    assert.deepEqual(asked, []);
    page.hidden = false;
    page.changed.emit();
    await new Promise<void>(told => federation.changed.connect(() => told()));
    assert.deepEqual(asked, [MODELS]);
    federation.dispose();
  }));

test('who stops watching is not kept up to date any more', () =>
  withFederation(
    asJson(200, catalog()),
    async (federation, { stream, asked }) => {
      const [one, other] = [federation.watch(), federation.watch()];
      await federation.refresh();
      one.dispose();
      one.dispose();
      stream.emit({ schema_id: MODEL_STATE });
      await federation.refresh();
      const before = asked.length;
      other.dispose();
      stream.emit({ schema_id: MODEL_STATE });
      await new Promise(later => setImmediate(later));
      assert.equal(asked.length, before);
    }
  ));
