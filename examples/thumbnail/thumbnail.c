/* thumbnail SIDE: makes the image on standard input (PNG, JPEG, GIF, BMP, PNM) small enough for a
 * square of SIDE pixels and writes it to standard output as PNG. The decoder, the scaler and the
 * encoder are the single headers of the package libstb-dev. */
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image.h>
#include <stb_image_resize.h>
#include <stb_image_write.h>

static void Write(void *stream, void *data, int size) {
  fwrite(data, 1, (size_t)size, (FILE *)stream);
}

int main(int argc, char **argv) {
  int side = argc == 2 ? atoi(argv[1]) : 0;
  if (side < 1 || side > 4096) {
    fprintf(stderr, "usage: thumbnail SIDE (1 to 4096)\n");
    return 2;
  }
  int width, height, channels;
  unsigned char *image = stbi_load_from_file(stdin, &width, &height, &channels, 0);
  if (image == NULL) {
    fprintf(stderr, "thumbnail: %s\n", stbi_failure_reason());
    return 1;
  }
  int longer = width > height ? width : height;
  int new_width = longer > side ? (width * side + longer - 1) / longer : width;
  int new_height = longer > side ? (height * side + longer - 1) / longer : height;
  unsigned char *small = malloc((size_t)new_width * new_height * channels);
  if (small == NULL || !stbir_resize_uint8(image, width, height, 0, small, new_width, new_height, 0,
                                           channels)) {
    fprintf(stderr, "thumbnail: no memory\n");
    return 1;
  }
  stbi_write_png_to_func(Write, stdout, new_width, new_height, channels, small, 0);
  fprintf(stderr, "%d x %d -> %d x %d\n", width, height, new_width, new_height);
  return ferror(stdout) ? 1 : 0;
}
