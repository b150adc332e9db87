// A dialog in which Enter is for what has the focus: by itself, it would press the only button, Cancel.

import { Dialog } from '@jupyterlab/apputils';

export class FormDialog extends Dialog<unknown> {
  protected override _evtKeydown(event: KeyboardEvent): void {
    if (event.key !== 'Enter') {
      super._evtKeydown(event);
    }
  }
}
