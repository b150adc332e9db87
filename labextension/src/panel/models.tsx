// The section “Models”: what there is, where, in which state; choose, start and stop.

import type { TranslationBundle } from '@jupyterlab/translation';
import { InputGroup } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { ControlApi, IModel } from '../api';
import { choicesOf, filterModels, isUnderWay } from '../catalog';
import { CommandIDs } from '../commandIds';
import type { IFederation } from '../federation';
import { remedyFor } from '../remedy';
import { aboutModel } from '../words';
import { ModelRow } from './modelRow';
import { Notice } from './parts';
import { Section } from './section';

export class ModelsSection extends Section {
  constructor(
    private readonly federation: IFederation,
    private readonly api: ControlApi,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super('models', trans.__('Models'), [federation]);
  }

  protected override draw(): JSX.Element {
    const { federation, api, commands, trans } = this;
    const remedy = remedyFor(federation, trans);
    if (remedy) {
      const label = trans.__('Add a Cluster…');
      const act = (): unknown => commands.execute(CommandIDs.addCluster);
      return <Notice sentence={remedy.advice} step={{ label, act }} />;
    }
    return <Models federation={federation} api={api} trans={trans} />;
  }

  protected override ticks(): boolean {
    return this.federation.catalog.models.some(model =>
      model.clusters.some(offer => isUnderWay(offer) && offer.eta !== null)
    );
  }
}

export interface IModelsProps {
  federation: IFederation;
  api: ControlApi;
  trans: TranslationBundle;
}

function Models(props: IModelsProps): JSX.Element {
  const { federation, trans } = props;
  const [filter, setFilter] = React.useState('');
  const models = filterModels(federation.catalog.models, filter);
  return (
    <>
      <InputGroup
        className="jp-FirstPanel-filter"
        type="search"
        aria-label={trans.__('Filter the models')}
        placeholder={trans.__('Name, cluster, state')}
        rightIcon="ui-components:search"
        value={filter}
        onChange={event => setFilter(event.target.value)}
      />
      {models.length === 0 && (
        <Notice
          sentence={trans.__('No model matches “%1”.', filter)}
          step={{
            label: trans.__('Clear the Filter'),
            act: () => setFilter('')
          }}
        />
      )}
      <ul className="jp-FirstPanel-list" aria-label={trans.__('Models')}>
        {models.map(model => (
          <Model key={model.id} model={model} {...props} />
        ))}
      </ul>
    </>
  );
}

function Model(props: IModelsProps & { model: IModel }): JSX.Element {
  const { model, trans } = props;
  return (
    <li className="jp-FirstPanel-group">
      <ModelName id={model.id} />
      <p className="jp-FirstPanel-quiet">{aboutModel(model, trans)}</p>
      {model.clusters.length === 0 ? (
        <p>{trans.__('No cluster serves it.')}</p>
      ) : (
        <ul className="jp-FirstPanel-list">
          {choicesOf(model).map(choice => (
            <ModelRow key={choice.value} choice={choice} {...props} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** An id of which the last part stands out. */
export function ModelName({ id }: { id: string }): JSX.Element {
  const slash = id.lastIndexOf('/') + 1;
  return (
    <p className="jp-FirstPanel-name">
      {slash > 0 && (
        <span className="jp-FirstPanel-owner">{id.slice(0, slash)}</span>
      )}
      {id.slice(slash)}
    </p>
  );
}
