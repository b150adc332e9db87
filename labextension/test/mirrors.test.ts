// What the panel mirrors, against a real HTTP server that counts what it is asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Clusters } from '../src/clusters';
import { Usage } from '../src/usage';
import { asJson, withServer } from './server';

const CLUSTERS = 'GET clusters?no_track_activity=1';
const EVENTS = 'https://first-jupyter.org/events';

const changeOf = (mirror: Usage | Clusters): Promise<unknown> =>
  new Promise(resolve => mirror.changed.connect(resolve));

test('usage and clusters are asked for once somebody watches, and at their events', () =>
  withServer(asJson(200, { clusters: [] }), async ({ api, stream, asked }) => {
    for (const [name, mirror] of [
      ['usage', new Usage(api, stream)],
      ['clusters', new Clusters(api, stream)]
    ] as const) {
      asked.length = 0;
      stream.emit({ schema_id: `${EVENTS}/${name}/v1` });
      const known = changeOf(mirror);
      mirror.watch();
      await known;
      const again = changeOf(mirror);
      stream.emit({ schema_id: `${EVENTS}/${name}/v1` });
      await again;
      const line = `GET ${name}?no_track_activity=1`;
      assert.deepEqual(asked, [line, line]);
      mirror.dispose();
    }
  }));

test('a cluster is added by its endpoint, and the clusters are asked for again', () =>
  withServer(asJson(200, { clusters: [] }), async ({ api, stream, asked }) => {
    const clusters = new Clusters(api, stream);
    await clusters.add('6c1d', 'polaris');
    assert.deepEqual(asked, [
      'POST clusters {"endpoint":"6c1d","name":"polaris"}',
      CLUSTERS
    ]);
  }));

test('what is known stays known when the server does not answer', async () => {
  let well = true;
  await withServer(
    (request, response, line) =>
      well
        ? asJson(200, { clusters: [] })(request, response, line)
        : asJson(500, { error: { message: 'Out of order.' } })(
            request,
            response,
            line
          ),
    async ({ api, stream }) => {
      const clusters = new Clusters(api, stream);
      await clusters.refresh();
      well = false;
      await clusters.refresh();
      assert.deepEqual(clusters.value, []);
      assert.equal(clusters.problem?.message, 'Out of order.');
      well = true;
      await clusters.refresh();
      assert.equal(clusters.problem, null);
    }
  );
});
