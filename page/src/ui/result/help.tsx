import { Modal } from "../modal";
import { hasKeys, HELP } from "./keys";

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Keyboard" onClose={onClose}>
      <table class="keys">
        <tbody>
          {HELP.map(([key, what]) => (
            <tr>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="note">
        With the mouse: click seeks, Shift and drag (or a drag on the ruler) marks a loop, a double click brings a
        slider back, Ctrl and wheel zooms.
      </p>
      <label class="check">
        <input
          type="checkbox"
          checked={hasKeys.value}
          onChange={({ currentTarget }) => (hasKeys.value = currentTarget.checked)}
        />{" "}
        Single letters and digits work
      </label>
    </Modal>
  );
}
