import tensorflow as tf

(train_images, train_labels), (test_images, test_labels) = tf.keras.datasets.cifar10.load_data()
train_images, test_images = train_images / 255.0, test_images / 255.0


def augment(image, label):
    image = tf.image.random_flip_left_right(image)
    image = tf.cast(image, tf.float32)
    return image, label


train_ds = tf.data.Dataset.from_tensor_slices((train_images, train_labels))
train_ds = (
    train_ds.shuffle(10000).map(augment, num_parallel_calls=tf.data.AUTOTUNE).batch(128).prefetch(tf.data.AUTOTUNE)
)
test_ds = tf.data.Dataset.from_tensor_slices((test_images, test_labels)).batch(128)

strategy = tf.distribute.MirroredStrategy()
with strategy.scope():
    model = tf.keras.models.Sequential(
        [
            tf.keras.layers.Conv2D(32, 3, padding="same", use_bias=False, input_shape=(32, 32, 3)),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.Activation("relu"),
            tf.keras.layers.MaxPooling2D(),
            tf.keras.layers.Conv2D(
                64, 3, padding="same", activation="relu", kernel_regularizer=tf.keras.regularizers.l2(1e-4)
            ),
            tf.keras.layers.GlobalAveragePooling2D(),
            tf.keras.layers.Dense(10),
        ]
    )
    model.compile(
        optimizer=tf.keras.optimizers.SGD(0.1, momentum=0.9),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
model.fit(train_ds, epochs=10, validation_data=test_ds)
model.evaluate(test_ds)
probability_model = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
probability_model.predict(test_images[:5])
