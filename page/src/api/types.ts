// What the server sends and takes, as in /api/v1/openapi.json.

export type State = "queued" | "running" | "done" | "failed" | "cancelled";
export type TrackKind = "stem" | "mixture" | "residual" | "mix";

export interface Track {
  name: string;
  kind: TrackKind;
  duration_s: number;
  file_name: string;
  size_bytes: number;
  url: string;
  peaks_url: string;
  spectrogram_url: string;
}

/** Per stem, the value of each metric. */
export type Scores = Record<string, Record<string, number | null>>;

/** One song with its settings and, when done, its stems. */
export interface Separation {
  id: string;
  title: string;
  state: State;
  /** 0 to 1. */
  progress: number;
  eta_s: number | null;
  position: number | null;
  error: string | null;
  warnings: string[];
  model: string;
  stems: string[];
  format: string;
  from_s: number | null;
  for_s: number | null;
  created_at: string;
  finished_at: string | null;
  duration_s: number | null;
  sample_rate: number | null;
  channels: number | null;
  size_bytes: number;
  tracks: Track[];
  scores: Scores | null;
}

export interface Model {
  name: string;
  aliases: string[];
  summary: string;
  stems: string[];
  licence: string;
  commercial_use: boolean | null;
  is_default: boolean;
  is_here: boolean;
}

export interface About {
  version: string;
  device: string;
  formats: string[];
  limits: { max_upload_bytes: number | null; max_duration_s: number | null; max_queued: number | null };
  disk: { used_bytes: number; free_bytes: number };
  needs_token: boolean;
}

export interface Peaks {
  duration_s: number;
  buckets: number;
  /** -127 to 127. */
  min: number[];
  max: number[];
}

export interface MixGain {
  gain_db: number;
  pan: number;
  muted: boolean;
}

export interface MixRequest {
  gains: Record<string, MixGain>;
  format: string;
  from_s: number | null;
  for_s: number | null;
}
