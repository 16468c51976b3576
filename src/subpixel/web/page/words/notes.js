// What is not as in the original, which the server says in English, in Chinese. What has no words here stays as it is.

const NOTES = [
  [/^(\S+) holds one frame: the first of (\d+) is written$/, "$1 只能存一帧：写入了 $2 帧中的第一帧"],
  [/^(\S+) holds pages without times: the times of (\d+) frames are dropped$/, "$1 的页没有时间：$2 帧的时间已舍弃"],
  [/^pages become frames of (\d+) ms$/, "各页成为 $1 毫秒的帧"],
  [/^(\S+) holds times in steps of (\d+) ms: rounded$/, "$1 的时间以 $2 毫秒为单位：已取整"],
  [/^(\S+) holds no ICC profile: dropped, it is sRGB as programs assume$/, "$1 不能存 ICC 配置文件：已舍弃；它就是 sRGB"],
  [/^(\S+) holds no ICC profile: colours converted to sRGB$/, "$1 不能存 ICC 配置文件：颜色已转换为 sRGB"],
  [/^(\S+) holds no ICC profile: dropped$/, "$1 不能存 ICC 配置文件：已舍弃"],
  [/^ICC profile dropped: it is not for these channels$/, "ICC 配置文件与通道不符：已舍弃"],
  [/^(\S+) holds no alpha: laid on white$/, "$1 不能存透明度：已铺在白底上"],
  [/^(\S+) holds (\d+) bits: 16-bit samples rounded$/, "$1 只有 $2 位：16 位数值已取整"],
  [/^(\S+) holds no half-transparent pixels: each is shown or hidden$/, "$1 没有半透明像素：每个像素要么显示要么隐藏"],
  [/^(\S+) holds (\d+) colours a frame: reduced$/, "$1 每帧最多 $2 种颜色：已减少"],
  [/^(\S+) holds no comments: (\d+) dropped$/, "$1 不能存注释：已舍弃 $2 条"],
  [/^(\S+) holds no resolution: (\d+) dpi dropped$/, "$1 不能存分辨率：已舍弃 $2 dpi"],
  [/^resolution dropped: (\S+) dpi cannot be$/, "分辨率 $1 dpi 不合理：已舍弃"],
  [/^(\S+) holds no (EXIF|XMP|IPTC): dropped$/, "$1 不能存 $2：已舍弃"],
  [/^(EXIF|XMP|IPTC) dropped: (\d+) bytes, (\S+) holds (\d+)$/, "$1 有 $2 字节，$3 最多 $4：已舍弃"],
  [/^animated PNG: only its first frame is used$/, "动画 PNG：只用第一帧"],
  [/^AVIF sequence: only its first picture is used$/, "AVIF 序列：只用第一张"],
  [/^EXIF block is damaged and was dropped: .*$/, "EXIF 已损坏：已舍弃"],
];

/** A note of a result in Chinese, or as it is. */
export function inChinese(note) {
  const found = NOTES.find(([pattern]) => pattern.test(note));
  return found ? note.replace(...found) : note;
}
