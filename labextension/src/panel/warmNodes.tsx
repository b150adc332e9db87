// The section “Warm nodes”: the replicas, where they run, until when and why then; extend, stop, read the log.

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ControlApi } from '../api';
import type { IFederation } from '../federation';
import { iconOf } from '../icons';
import { stageWord } from '../startWords';
import { choiceName, shortName } from '../words';
import type { IWarm } from './leases';
import { heldFor, keptText, walltime, warmOf } from './leases';
import { showLog } from './logDialog';
import { dropMenu } from './menu';
import { attempt, Notice, TextButton } from './parts';
import { Section } from './section';

const HOUR = 3600;

export class WarmNodesSection extends Section {
  constructor(
    private readonly federation: IFederation,
    private readonly api: ControlApi,
    private readonly trans: TranslationBundle
  ) {
    super('warm-nodes', trans.__('Warm nodes'), [federation]);
  }

  protected override draw(): JSX.Element {
    const { federation, api, trans } = this;
    const warm = warmOf(federation.catalog);
    if (warm.length === 0) {
      return this.none();
    }
    return (
      <ul className="jp-FirstPanel-list" aria-label={trans.__('Warm nodes')}>
        {warm.map(each => (
          <WarmNode
            key={`${each.offer.cluster}/${each.lease.replica}`}
            {...{ warm: each, federation, api, trans }}
          />
        ))}
      </ul>
    );
  }

  protected override ticks(): boolean {
    return warmOf(this.federation.catalog).some(
      ({ lease }) => lease.job_ends !== null || lease.held_until !== null
    );
  }

  private none(): JSX.Element {
    const { federation, trans } = this;
    const choice = federation.current;
    const sentence = trans.__(
      'No node is warm: none is being paid for, and a model starts with the first request.'
    );
    if (!choice?.offer?.startable || choice.offer.state === 'hot') {
      return <Notice sentence={sentence} />;
    }
    const name = choiceName(choice);
    const cluster = choice.pinned ? choice.offer.cluster : undefined;
    const act = (): Promise<void> =>
      attempt(trans.__('%1 could not be started', name), () =>
        federation.start(choice.model.id, cluster)
      );
    return (
      <Notice
        sentence={sentence}
        step={{ label: trans.__('Start %1', name), act }}
      />
    );
  }
}

interface IWarmNodeProps {
  warm: IWarm;
  federation: IFederation;
  api: ControlApi;
  trans: TranslationBundle;
}

function WarmNode(props: IWarmNodeProps): JSX.Element {
  const { warm, trans } = props;
  const { model, offer, lease } = warm;
  const now = Date.now() / 1000;
  const Icon = iconOf(lease.stage === 'ready' ? 'hot' : offer.state);
  const place = [
    offer.cluster,
    lease.node && trans.__('node %1', lease.node),
    lease.job && trans.__('job %1', lease.job),
    lease.path
  ];
  return (
    <li className="jp-FirstPanel-row">
      <div className="jp-FirstPanel-rowHead">
        <Icon.react className="jp-FirstPanel-icon" tag="span" />
        <span className="jp-FirstPanel-place" title={model.id}>
          {shortName(model.id)}
        </span>
        <span className="jp-FirstPanel-quiet">
          {stageWord(lease.stage, trans)}
        </span>
      </div>
      <div className="jp-FirstPanel-rowBody">
        <p>{place.filter(Boolean).join(' · ')}</p>
        <p className="jp-FirstPanel-quiet">{lease.replica}</p>
        {lease.follows && (
          <p>{trans.__('Takes over from %1', lease.follows)}</p>
        )}
        <p>{keptText(lease, now, trans)}</p>
        <Walltime {...props} now={now} />
        <Actions {...props} />
      </div>
    </li>
  );
}

function Walltime(props: IWarmNodeProps & { now: number }): JSX.Element | null {
  const { warm, now, trans } = props;
  const time = walltime(warm.lease, now, trans);
  if (!time) {
    return null;
  }
  return (
    <div className="jp-FirstPanel-walltime">
      <progress
        className="jp-FirstPanel-bar"
        aria-label={trans.__('Time of the job of %1', warm.lease.replica)}
        aria-valuetext={time.text}
        value={time.over}
      />
      <p className="jp-FirstPanel-quiet">{time.text}</p>
    </div>
  );
}

function Actions(props: IWarmNodeProps): JSX.Element {
  const { warm, federation, api, trans } = props;
  const { model, offer, lease } = warm;
  const extend = (more: number) => () =>
    attempt(trans.__('%1 was not extended', lease.replica), () =>
      federation.start(
        model.id,
        offer.cluster,
        heldFor(lease, more, Date.now() / 1000)
      )
    );
  return (
    <div className="jp-FirstPanel-actions">
      {offer.startable && (
        <TextButton
          label={trans.__('Extend…')}
          name={trans.__('Extend %1', lease.replica)}
          act={button =>
            dropMenu(button, [
              { label: trans.__('1 Hour More'), act: extend(HOUR) },
              { label: trans.__('2 Hours More'), act: extend(2 * HOUR) },
              { label: trans.__('8 Hours More'), act: extend(8 * HOUR) }
            ])
          }
        />
      )}
      <TextButton
        label={trans.__('Log…')}
        name={trans.__('Log of %1', lease.replica)}
        act={() =>
          showLog(
            { model: model.id, cluster: offer.cluster, replica: lease.replica },
            api,
            trans
          )
        }
      />
      {offer.unstoppable === '' && (
        <TextButton
          label={trans.__('Stop')}
          name={trans.__('Stop %1', lease.replica)}
          act={() =>
            attempt(trans.__('%1 could not be stopped', lease.replica), () =>
              federation.stop(model.id, offer.cluster, lease.replica)
            )
          }
        />
      )}
    </div>
  );
}
