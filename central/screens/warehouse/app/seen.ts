// What passes between the page and the decoder.

export interface Picture {
  id: number;
  image: ImageData;
}

/** `text`: null where nothing was read. `symbology`: the AIM identifier, like `]d1`. */
export interface Seen {
  id: number;
  text: string | null;
  symbology: string;
  gs1: boolean;
}
