import { signal } from "@preact/signals";
import { Modal } from "./modal";

interface Question {
  title: string;
  text: string;
  yes: string;
  onYes: () => void;
}

const asked = signal<Question | null>(null);

/** Asks before something is lost. */
export function ask(question: Question): void {
  asked.value = question;
}

export function Confirmation() {
  const question = asked.value;
  if (question === null) return null;
  const close = () => (asked.value = null);
  return (
    <Modal title={question.title} onClose={close}>
      <p>{question.text}</p>
      <div class="row end">
        <button type="button" onClick={close}>
          Keep it
        </button>
        <button type="button" class="danger" onClick={() => (close(), question.onYes())}>
          {question.yes}
        </button>
      </div>
    </Modal>
  );
}
