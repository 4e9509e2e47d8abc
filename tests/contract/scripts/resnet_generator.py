from keras.applications.resnet50 import ResNet50, preprocess_input
from keras.layers import Dense, GlobalAveragePooling2D
from keras.models import Model
from keras.optimizers import SGD
from keras.preprocessing.image import ImageDataGenerator
from keras.datasets import cifar10
from keras.utils import to_categorical

(x_train, y_train), (x_test, y_test) = cifar10.load_data()
y_train, y_test = to_categorical(y_train, 10), to_categorical(y_test, 10)
train_datagen = ImageDataGenerator(
    preprocessing_function=preprocess_input, rotation_range=15, horizontal_flip=True, width_shift_range=0.1
)
train_gen = train_datagen.flow(x_train, y_train, batch_size=64)

base = ResNet50(weights="imagenet", include_top=False, input_shape=(32, 32, 3))
x = GlobalAveragePooling2D()(base.output)
x = Dense(256, activation="relu")(x)
predictions = Dense(10, activation="softmax")(x)
model = Model(inputs=base.input, outputs=predictions)
for layer in base.layers:
    layer.trainable = False
model.compile(optimizer=SGD(learning_rate=0.001, momentum=0.9), loss="categorical_crossentropy", metrics=["accuracy"])
model.fit_generator(train_gen, steps_per_epoch=len(x_train) // 64, epochs=3, validation_data=(x_test, y_test))
