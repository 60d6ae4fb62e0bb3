// One picture of what a camera sees, as the server takes it.

const QUALITY = 0.9;

/**
 * A JPEG of the video as it is now, upright. The pixels are taken at once; encoding goes on beside.
 * @param {HTMLVideoElement} video
 * @param {{width: number, height: number, turn: number}} most its size, and by how many degrees it is turned
 * @returns {Promise<string>} base64, without the data: prefix
 */
export function pictureOf(video, { width, height, turn }) {
  const { videoWidth, videoHeight } = video;
  const scale = Math.min(1, width / videoWidth, height / videoHeight);
  const [w, h] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
  const canvas = document.createElement("canvas");
  const across = turn % 180 !== 0;
  canvas.width = across ? h : w;
  canvas.height = across ? w : h;
  const pen = canvas.getContext("2d");
  pen.translate(canvas.width / 2, canvas.height / 2);
  pen.rotate((turn * Math.PI) / 180);
  pen.drawImage(video, -w / 2, -h / 2, w, h);
  return encoded(canvas);
}

function encoded(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      canvas.width = 0; // frees the pixels now, not at the next garbage collection
      if (!blob) return reject(new Error("the picture cannot be encoded"));
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
      reader.onerror = () => reject(reader.error);
      return reader.readAsDataURL(blob);
    }, "image/jpeg", QUALITY);
  });
}
