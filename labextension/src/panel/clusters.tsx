// The section “Clusters”: whether each is there and why not, and by which way it is reached; add one.

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { Clusters } from '../clusters';
import type { ICluster } from '../clustersApi';
import { CommandIDs } from '../commandIds';
import { clusterIcon } from '../icons';
import type { IStep } from './parts';
import { Known, Notice, TextButton } from './parts';
import { Section } from './section';
import { clock } from './times';

export class ClustersSection extends Section {
  constructor(
    private readonly clusters: Clusters,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super('clusters', trans.__('Clusters'), [clusters]);
  }

  protected override draw(): JSX.Element {
    const { clusters, commands, trans } = this;
    const add: IStep = {
      label: trans.__('Add a Cluster…'),
      act: () => commands.execute(CommandIDs.addCluster)
    };
    return (
      <Known
        value={clusters.value}
        problem={clusters.problem}
        asking={trans.__('Asking how the clusters are…')}
        tryAgain={{
          label: trans.__('Try Again'),
          act: () => clusters.refresh()
        }}
        draw={all =>
          all.length === 0 ? (
            <Notice
              sentence={trans.__('There is no cluster yet.')}
              step={add}
            />
          ) : (
            <>
              <ul
                className="jp-FirstPanel-list"
                aria-label={trans.__('Clusters')}
              >
                {all.map(cluster => (
                  <Cluster
                    key={cluster.cluster}
                    cluster={cluster}
                    trans={trans}
                  />
                ))}
              </ul>
              <div className="jp-FirstPanel-actions">
                <TextButton {...add} />
              </div>
            </>
          )
        }
      />
    );
  }
}

export function healthWord(
  state: ICluster['state'],
  trans: TranslationBundle
): string {
  switch (state) {
    case 'online':
      return trans.__('online');
    case 'offline':
      return trans.__('offline');
    case 'unknown':
      return trans.__('not known');
  }
}

function Cluster(props: {
  cluster: ICluster;
  trans: TranslationBundle;
}): JSX.Element {
  const { cluster, trans } = props;
  const { kind, models, paths, reason, seen, state } = cluster;
  const Icon = clusterIcon(state);
  const about = [
    kind,
    trans._n('%1 model', '%1 models', models.length),
    paths.length > 0 && trans.__('by %1', paths.join(', '))
  ];
  return (
    <li className="jp-FirstPanel-row">
      <div className="jp-FirstPanel-rowHead">
        <Icon.react className="jp-FirstPanel-icon" tag="span" />
        <span className="jp-FirstPanel-place">{cluster.cluster}</span>
        <span className="jp-FirstPanel-quiet">{healthWord(state, trans)}</span>
      </div>
      <div className="jp-FirstPanel-rowBody">
        <p className="jp-FirstPanel-quiet" title={models.join('\n')}>
          {about.filter(Boolean).join(' · ')}
        </p>
        {reason && <p>{reason}</p>}
        {state !== 'online' && seen !== null && (
          <p className="jp-FirstPanel-quiet">
            {trans.__('Last heard of at %1', clock(seen, Date.now() / 1000))}
          </p>
        )}
      </div>
    </li>
  );
}
